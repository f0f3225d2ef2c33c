"""Environments that are built: the record of each, its files, and what shows it in a sandbox.

Foreign code filled `env/`, so nothing of the agent's is below it; what is beside it is the agent's own.
"""

from __future__ import annotations

import json
import os
import re
import stat
from typing import Any, Callable, Dict, List, Optional

from . import interpreters, sandbox
from .faults import Fault

ENV = sandbox.ENV
FILES = "env"  # all that a build can write to, and all that a job sees
RECORD = "environment.json"
HASH = re.compile(r"[0-9a-f]{64}\Z")


def record(root: str, digest: str) -> Dict[str, Any]:
    """What is known of a built environment. Raises Fault where it is not built."""
    with open(os.path.join(folder(root, digest), RECORD), encoding="utf-8") as file:
        found: Dict[str, Any] = json.load(file)
    return found


def image(root: str, digest: Optional[str]) -> str:
    """The id of the image that the environment is. Raises Fault where it is none."""
    found = record(root, digest).get("image") if digest else None
    if not found:
        raise Fault("environment", "the job's environment is no image, and Docker runs images")
    return str(found)


def is_conda(root: str, digest: Optional[str]) -> bool:
    """Raises Fault where it is not built."""
    return bool(digest) and "conda" in record(root, str(digest))


def folder(root: str, digest: str) -> str:
    """Where a built environment is. Raises Fault where it is not built."""
    if not isinstance(digest, str) or not HASH.match(digest):
        raise Fault("environment", "not an environment's hash: %r" % (digest,))
    place = os.path.join(root, "environments", digest)
    if not _is_plain(os.path.join(place, RECORD), stat.S_ISREG):
        raise Fault("environment", "environment %s is not built on this VM" % digest[:12], "launch the job again")
    return place


def binds(root: str, digest: str) -> List[sandbox.Bind]:
    """What shows a built environment in a sandbox: itself at /env, and the Python that it was made with, if it has
    none of its own.
    """
    place, found = folder(root, digest), record(root, digest)
    if "image" in found:
        return []
    if "conda" in found and _is_plain(files(place), stat.S_ISDIR):
        return [(files(place), ENV, "ro")]
    python = interpreters.at(found["executable"])
    if python is None or python.version != found["python"] or not _is_plain(files(place), stat.S_ISDIR):
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


def close(env: str) -> None:
    """The folder of the environment is the agent's own again; uid 65534 reads what is in it.

    What is neither file, folder nor link goes: by a FIFO those who only read the environment could write to each other.
    """
    if os.geteuid() == 0:
        os.chown(env, 0, 0)
    os.chmod(env, 0o700)
    for base, _, names in os.walk(env):
        for path in (os.path.join(base, name) for name in names):
            mode = os.lstat(path).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
                os.unlink(path)
    sandbox.share(env)
