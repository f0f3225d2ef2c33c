"""Environments: built once a content hash, in a sandbox that has the network and not the data.

`ROOT/environments/HASH/` is a virtual environment, seen at /env by its build and by every job alike.
It appears when it is complete; `build.log`, `requirements.txt` and `environment.json` are in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
from typing import Any, Dict, Iterator, List, Optional

from . import interpreters, sandbox
from .builder import build_in
from .call import Call
from .faults import Fault
from .tail import Tail

FORMAT = 1  # changes when the same requirements give another environment
ENV = sandbox.ENV
RECORD = "environment.json"
HASH = re.compile(r"[0-9a-f]{64}\Z")
POLICY = {
    "engine": "bwrap",
    "network": True,
    "data": False,
    "memory_bytes": None,
    "processes": 4096,
    "tmp_bytes": 1 << 30,
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
    if not os.path.isfile(os.path.join(place, RECORD)):
        raise Fault("environment", "environment %s is not built on this VM" % digest[:12], "launch the job again")
    return place


def binds(root: str, digest: str) -> List[sandbox.Bind]:
    """What shows a built environment in a sandbox: itself at /env, and the Python that it was made with."""
    place = folder(root, digest)
    with open(os.path.join(place, RECORD), encoding="utf-8") as file:
        record = json.load(file)
    prefix = record["prefix"]
    own = [] if prefix == os.path.realpath(sys.base_prefix) else sandbox.prefix_binds(prefix)
    return [*own, (place, ENV, "ro")]


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
    shutil.rmtree(temporary, ignore_errors=True)  # what a build left that was killed
    env = os.path.join(temporary, "env")
    cache = os.path.join(os.path.dirname(base), "cache", "pip")
    for path in (env, os.path.join(temporary, "tmp"), cache):
        os.makedirs(path, exist_ok=True)
        sandbox.give(path)
    try:
        build_in(call, temporary, cache, lines, python, POLICY)
        for name in ("build.log", "requirements.txt"):
            os.rename(os.path.join(temporary, name), os.path.join(env, name))
        record = {"format": FORMAT, "python": python.version, "executable": python.path, "prefix": python.prefix}
        with open(os.path.join(env, RECORD), "w", encoding="utf-8") as file:
            json.dump(record, file)
        sandbox.share(env)
        os.rename(env, os.path.join(base, digest))
    finally:
        log = os.path.join(temporary, "build.log")
        if os.path.exists(log):
            os.replace(log, os.path.join(base, digest + ".failed.log"))
        shutil.rmtree(temporary, ignore_errors=True)
