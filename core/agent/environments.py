"""Environments: built once a content hash, in a sandbox that has the network and not the data.

`ROOT/environments/HASH/env/` is a virtual environment, seen at /env by its build and by every job alike.
Foreign code fills it, so nothing of the agent's is below it: `build.log`, `requirements.txt` and
`environment.json` are beside it. The folder HASH appears when it is complete.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
from typing import Any, Callable, Dict, Iterator, List, Optional

from . import interpreters, sandbox
from .builder import build_in
from .call import Call
from .faults import Fault
from .tail import Tail

FORMAT = 2  # changes when the same requirements give another environment
ENV = sandbox.ENV
FILES = "env"  # all that a build can write to, and all that a job sees
RECORD = "environment.json"
HASH = re.compile(r"[0-9a-f]{64}\Z")
POLICY = {
    "engine": "bwrap",
    "network": True,
    "data": False,
    "memory_bytes": None,
    "processes": 4096,
    "tmp_bytes": 1 << 30,
    "background": True,
}


def build(call: Call, requirements: str, python: str = "") -> Dict[str, Any]:
    """`requirements`: the text of a pip requirements file; `python`: "3.11", or "" for the VM's own.

    A second build of the same waits for the first and sees its log. Raises Fault; then nothing is kept but the log.
    """
    sandbox.require(POLICY)
    chosen = interpreters.choose(python)
    lines = normalised(requirements)
    digest = environment_hash(lines, chosen)
    base = os.path.join(call.root, "environments")
    os.makedirs(base, exist_ok=True)
    place = os.path.join(base, digest)
    reused = True
    if not os.path.isdir(place):
        with _locked(call, base, digest):
            if not os.path.isdir(place):
                reused = False
                _build(call, base, digest, lines, chosen)
    return {"hash": digest, "reused": reused, "path": place, "python": chosen.version}


def folder(root: str, digest: str) -> str:
    """Where a built environment is. Raises Fault where it is not built."""
    if not isinstance(digest, str) or not HASH.match(digest):
        raise Fault("environment", "not an environment's hash: %r" % (digest,))
    place = os.path.join(root, "environments", digest)
    if not _is_plain(os.path.join(place, RECORD), stat.S_ISREG) or not _is_plain(files(place), stat.S_ISDIR):
        raise Fault("environment", "environment %s is not built on this VM" % digest[:12], "launch the job again")
    return place


def binds(root: str, digest: str) -> List[sandbox.Bind]:
    """What shows a built environment in a sandbox: itself at /env, and the Python that it was made with."""
    place = folder(root, digest)
    with open(os.path.join(place, RECORD), encoding="utf-8") as file:
        record = json.load(file)
    python = interpreters.at(record["executable"])
    if python is None or python.version != record["python"]:
        title = "the Python that environment %s was made with has changed on this VM" % digest[:12]
        raise Fault("environment", title, "remove %s and launch the job again" % place)
    own = [] if python.path == sandbox.interpreter() else sandbox.prefix_binds(python.prefix)
    return [*own, (files(place), ENV, "ro")]


def files(place: str) -> str:
    """What foreign code wrote of a built environment: follow no link in it, open nothing but regular files."""
    return os.path.join(place, FILES)


def _is_plain(path: str, kind: Callable[[int], bool]) -> bool:
    """Of that kind itself, not by a link."""
    try:
        return kind(os.lstat(path).st_mode)
    except OSError:
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
        while not _try_lock(fd):
            log = log or Tail(os.path.join(_temporary(base, digest), "build.log"))
            _send_log(call, log)
            call.wait(0.1)
        if log is not None:
            _send_log(call, log)
        yield
    finally:
        os.close(fd)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _send_log(call: Call, log: Tail) -> None:
    text = log.read()
    if text:
        call.event(event="build.log", text=text.decode(errors="replace"))


def _temporary(base: str, digest: str) -> str:
    return os.path.join(base, ".building-" + digest)


def _build(call: Call, base: str, digest: str, lines: List[str], python: interpreters.Interpreter) -> None:
    temporary = _temporary(base, digest)
    _remove(temporary)  # what a build left that was killed
    env, scratch = files(temporary), os.path.join(temporary, "tmp")
    os.mkdir(temporary, 0o700)
    try:
        for path in (env, scratch):
            os.mkdir(path, 0o700)
            sandbox.give(path)
        build_in(call, temporary, env, scratch, lines, python, POLICY)
        _remove(scratch)
        _close(env)
        record = {"format": FORMAT, "python": python.version, "executable": python.path}
        with sandbox.create(os.path.join(temporary, RECORD)) as file:
            file.write(json.dumps(record).encode())
        os.rename(temporary, os.path.join(base, digest))
    finally:
        log = os.path.join(temporary, "build.log")
        if os.path.exists(log):
            os.replace(log, os.path.join(base, digest + ".failed.log"))
        _remove(temporary)


def _close(env: str) -> None:
    """The folder of the environment is the agent's own again; uid 65534 reads what is in it."""
    if os.geteuid() == 0:
        os.chown(env, 0, 0)
    os.chmod(env, 0o700)
    sandbox.share(env)


def _remove(path: str) -> None:
    """Also where the build left folders that even their owner may not look into."""
    if os.path.isdir(path):
        for folder, folders, _ in os.walk(path):
            for name in folders:
                inside = os.path.join(folder, name)
                if not os.path.islink(inside):
                    os.chmod(inside, 0o700)
    shutil.rmtree(path, ignore_errors=True)
