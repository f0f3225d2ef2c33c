"""Environments: built once a content hash, in a sandbox that has the network and not the data.

`ROOT/environments/HASH/env/` is a virtual environment, or conda packages, seen at /env by its build and by every job
alike. Foreign code fills it, so nothing of the agent's is below it: `build.log`, `requirements.txt` and
`environment.json` are beside it. The folder HASH appears when it is complete.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from . import conda as conda_packages
from . import environment_files, folders, images, interpreters, locks, sandbox, snapshots, targets
from .builder import CLIENT, build_in
from .call import Call, Cancelled
from .docker_api import Docker
from .faults import Fault
from .tail import Tail

FORMAT = 3  # changes when the same requirements give another environment
POLICY = {
    "engine": "bwrap",
    "network": True,
    "data": False,
    "memory_bytes": None,
    "processes": 4096,
    "tmp_bytes": 1 << 30,
    "background": True,
}


class Wanted(NamedTuple):
    """What a request leads to on this VM: a venv of `python`, conda packages, or an image."""

    digest: str
    engine: str
    lines: List[str]
    python: Optional[interpreters.Interpreter] = None
    image: str = ""
    context: Optional[Dict[str, str]] = None
    conda: Optional[Dict[str, Any]] = None
    note: str = ""


def find(
    call: Call,
    requirements: str = "",
    python: str = "",
    image: str = "",
    context: Optional[Dict[str, str]] = None,
    engine: str = "auto",
    conda: Optional[Dict[str, Any]] = None,
    look: bool = False,
) -> Dict[str, Any]:
    """What `build` of the same would make, for a client that fetches the packages: {"hash", "built", "engine", "note",
    "target": of `targets` or None where nothing is fetched}. An image that is not there is pulled, unless this is only
    a `look`: that has no target and changes nothing.
    """
    wanted = _wanted(requirements, python, image, context, engine, conda)
    built = os.path.isdir(os.path.join(call.root, "environments", wanted.digest))
    target = None
    if wanted.lines and not built and not context and not conda and not look:
        target = targets.of_python(wanted.python) if wanted.python else images.target(call, image)
    found = {"hash": wanted.digest, "built": built, "engine": wanted.engine, "note": wanted.note}
    return dict(found, target=target)


def build(
    call: Call,
    requirements: str = "",
    python: str = "",
    image: str = "",
    context: Optional[Dict[str, str]] = None,
    engine: str = "auto",
    wheels: str = "",
    conda: Optional[Dict[str, Any]] = None,
) -> Dict[str, Any]:
    """`requirements`: the text of a pip requirements file; `python`: "3.11", or "" for the VM's own. `image`: what they
    go on top of; `context`: {"digest", "dockerfile"}, a snapshot to build an image from. `engine`: the site's.
    `wheels`: the digest of what was sent to `snapshots.WHEELS`: all that is installed, by its own requirements.txt;
    the build has no network then. It goes when the build has ended, one way or the other.
    `conda`: {"channels", "dependencies"} that the requirements go on top of, below bwrap; an image is not used then.

    A second build of the same waits for the first and sees its log. Raises Fault; then nothing is kept but the log.
    """
    wanted = _wanted(requirements, python, image, context, engine, conda)
    if wanted.note:
        call.event(event="notice", text=wanted.note)
    try:
        reused = _once(call, wanted.digest, lambda place: _make(call, place, wanted, wheels))
    except Cancelled:
        raise  # they serve another try
    except BaseException:
        _forget(call, wheels)
        raise
    _forget(call, wheels)
    place = os.path.join(call.root, "environments", wanted.digest)
    said = environment_files.record(call.root, wanted.digest).get("note")
    if said:
        call.event(event="notice", text=said)
    version = wanted.python.version if wanted.python else ""
    return {"hash": wanted.digest, "reused": reused, "path": place, "python": version, "engine": wanted.engine}


def _wanted(
    requirements: str,
    python: str,
    image: str,
    context: Optional[Dict[str, str]],
    engine: str,
    conda: Optional[Dict[str, Any]],
) -> Wanted:
    """Raises Fault where this VM cannot make it."""
    lines, note = normalised(requirements), ""
    if conda:
        sandbox.require(POLICY)
        asked = conda_packages.normalised(conda)
        return Wanted(conda_packages.environment_hash(asked, lines), "bwrap", lines, conda=asked)
    if image or context:
        reason = "the site's sandbox is bwrap" if engine == "bwrap" else Docker().usable()[1]
        if not reason:
            return Wanted(images.image_hash(image, lines, context), "docker", lines, None, image, context)
        if context or not lines:
            hint = "%s; or map the environment in [environments] of the site file to requirements" % reason
            raise Fault("environment", "%s needs Docker" % ("image %s" % image if image else "a Dockerfile"), hint)
        note = "image %s is not used: %s" % (image, reason)
    sandbox.require(POLICY)
    chosen = interpreters.choose(python)
    return Wanted(environment_hash(lines, chosen), "bwrap", lines, chosen, note=note)


def _make(call: Call, place: str, wanted: Wanted, wheels: str) -> None:
    with snapshots.used(call.root, wheels) as found:
        made = _fill(call, place, wanted, found)
    _record(place, dict(made, wheels=wheels) if wheels else made)


def _fill(call: Call, place: str, wanted: Wanted, found: str) -> Dict[str, Any]:
    """What is to be recorded of it. `found`: the folder of the wheels that were sent, "" where none were."""
    if wanted.conda is not None:
        return _conda(call, place, wanted.lines, wanted.conda)
    if wanted.python is not None:
        return _build(call, place, wanted.lines, wanted.python, found)
    return _image(call, place, wanted, found)


def _forget(call: Call, wheels: str) -> None:
    if wheels:
        snapshots.remove_wheels(call.root, wheels)


def _image(call: Call, place: str, wanted: Wanted, wheels: str) -> Dict[str, Any]:
    context = wanted.context
    here = context and dict(context, folder=snapshots.folder(call.root, context["digest"]))
    log = images.Log(call, os.path.join(place, "build.log"))
    try:
        found = images.make(log, Docker(), wanted.digest, wanted.image, wanted.lines, here, wheels)
    finally:
        log.close()
    return {"format": FORMAT, "image": found, "name": wanted.image}


def _once(call: Call, digest: str, make: Callable[[str], None]) -> bool:
    """Whether it was there. `make` fills a folder that appears as ROOT/environments/DIGEST when it is complete."""
    base = os.path.join(call.root, "environments")
    os.makedirs(base, exist_ok=True)
    place = os.path.join(base, digest)
    if os.path.isdir(place):
        return True
    with _locked(call, base, digest):
        if os.path.isdir(place):
            return True
        temporary = _temporary(base, digest)
        folders.remove(temporary)  # what a build left that was killed
        os.mkdir(temporary, 0o700)
        try:
            make(temporary)
            os.rename(temporary, place)
        finally:
            log = os.path.join(temporary, "build.log")
            if os.path.exists(log):
                os.replace(log, place + ".failed.log")
            folders.remove(temporary)
    return False


def normalised(requirements: str) -> List[str]:
    """Lines in one order, with no comments and no empty ones; a hash line stays with its requirement."""
    text = requirements.replace("\r\n", "\n").replace("\\\n", " ")
    lines = (re.sub(r"(^|\s)#.*$", "", line) for line in text.split("\n"))
    return sorted(" ".join(line.split()) for line in lines if line.strip())


def environment_hash(lines: List[str], python: interpreters.Interpreter) -> str:
    what = [FORMAT, lines, python.version, python.path, python.platform]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


@contextlib.contextmanager
def _locked(call: Call, base: str, digest: str) -> Iterator[None]:
    """One build at a time of the same; whoever waits is sent the log of the other's."""
    fd = os.open(os.path.join(base, ".lock-" + digest), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    log: Optional[Tail] = None
    try:
        while not locks.taken(fd):
            log = log or Tail(os.path.join(_temporary(base, digest), "build.log"))
            _send_log(call, log)
            call.wait(0.1)
        if log is not None:
            _send_log(call, log)
        yield
    finally:
        os.close(fd)


def _send_log(call: Call, log: Tail) -> None:
    text = log.read()
    if text:
        call.event(event="build.log", text=text.decode(errors="replace"))


def _temporary(base: str, digest: str) -> str:
    return os.path.join(base, ".building-" + digest)


def _build(
    call: Call, temporary: str, lines: List[str], python: interpreters.Interpreter, wheels: str = ""
) -> Dict[str, Any]:
    with _filled(temporary) as (env, scratch):
        build_in(call, temporary, env, scratch, lines, python, dict(POLICY, network=not wheels), wheels)
    return {"format": FORMAT, "python": python.version, "executable": python.path}


def _conda(call: Call, temporary: str, lines: List[str], conda: Dict[str, Any]) -> Dict[str, Any]:
    tool = _conda_tool(call)
    shown = [
        (path, conda_packages.TOOL_AT if at == environment_files.ENV else at, mode)
        for path, at, mode in environment_files.binds(call.root, tool)
    ]
    with _filled(temporary) as (env, scratch):
        conda_packages.install(call, temporary, env, scratch, conda, lines, shown, POLICY)
    note = conda_packages.note(conda_packages.unactivated(env))
    return {"format": FORMAT, "conda": conda, "note": note}


def _conda_tool(call: Call) -> str:
    """The hash of the environment that installs conda packages; built where it is not there."""
    python, lines = conda_packages.tool_python(), conda_packages.TOOL
    digest = environment_hash(lines, python)
    try:
        _once(call, digest, lambda place: _record(place, _build(call, place, lines, python)))
    except Fault as fault:
        title = "what installs conda packages cannot be had on this VM (%s)" % ", ".join(lines)
        raise Fault("environment", title, fault.hint.replace(CLIENT, "the VM has to reach a package index for it"))
    return digest


@contextlib.contextmanager
def _filled(temporary: str) -> Iterator[Tuple[str, str]]:
    """The folder that a build fills, and its /tmp; what is in it is the sandbox's, until it has been filled."""
    env, scratch = environment_files.files(temporary), os.path.join(temporary, "tmp")
    for path in (env, scratch):
        os.mkdir(path, 0o700)
        sandbox.give(path)
    yield env, scratch
    folders.remove(scratch)
    environment_files.close(env)


def _record(place: str, found: Dict[str, Any]) -> None:
    with sandbox.create(os.path.join(place, environment_files.RECORD)) as file:
        file.write(json.dumps(found).encode())
