"""What a run left behind, on its way to the client: its outputs and its artifacts, one stream for all files.

Both folders are the job's to write, so links are left out. Files of an MLflow model (a folder that holds a file
MLmodel) stay on the VM unless the output that holds them is asked for by its name.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any, Dict, Iterator, List, Set, Tuple

from . import plainfiles, runfolder, wire
from .call import Call
from .faults import Fault
from .states import TERMINAL
from .tracking_artifacts import in_model
from .tracking_rules import Refused, artifact_path

MOST = 200_000  # entries of a folder
SHOWN = 20  # names in a message
OUTPUTS, ARTIFACTS = "outputs", "artifacts"


def files(call: Call, run: str, output: str = "") -> Dict[str, Any]:
    """{"files": [[path, bytes]], "models": files of models left out, "odd": files with a name that is not taken,
    "ended"}. `output`: that output alone. Paths begin with `outputs/` or `artifacts/`.
    """
    folder = runfolder.find(call.root, run)
    found: List[List[Any]] = []
    left = {"models": 0, "odd": 0}
    for top, base, within in _tops(folder, run, output):
        for file in plainfiles.walk(base, within, MOST):
            call.wait(0)
            path = "/".join(part for part in (within, file.path) if part)
            if not _plain(path):
                left["odd"] += 1
            elif not output and in_model(base, path):
                left["models"] += 1
            else:
                size = _size(file)
                if size >= 0:
                    found.append([_joined(top, path), size])
    if output and not found:
        raise Fault("run", "the run has no output %r" % output, _known(folder, run))
    ended = runfolder.settled(folder)["state"] in TERMINAL
    return {"files": found, "ended": ended, **left}


def _known(folder: str, run: str) -> str:
    """What it has, in words."""
    names: Set[str] = set()
    for _, base, within in _tops(folder, run, ""):
        for file in plainfiles.walk(base, within, MOST):
            names.add(file.path.split("/")[0])
    plain = sorted(name for name in names if _plain(name))
    return "it has %s" % ", ".join(plain[:SHOWN]) if plain else "it has none; a model that it logged stays on the VM"


def differ(call: Call, run: str, have: Dict[str, str]) -> Dict[str, Any]:
    """`have`: path -> sha256 of what the client has. {"same": [...], "differ": [...]}."""
    folder = runfolder.find(call.root, run)
    same = [path for path, digest in have.items() if _digest(call, folder, run, path) == digest]
    return {"same": same, "differ": sorted(set(have) - set(same))}


def download(call: Call, run: str, files: List[Tuple[str, int]]) -> Dict[str, Any]:
    """Events {"event": "file", "path", "offset"}, bytes, {"event": "file.end", "path", "bytes", "sha256"} in turn.

    `files`: [path, bytes that the client has already]; `sha256` is that of the whole file, as long as it was then.
    """
    folder = runfolder.find(call.root, run)
    for path, offset in files:
        fd = _opened(folder, run, path)
        if fd < 0:
            raise Fault("run", "%s is not there any more" % path, "download again")
        try:
            call.event(event="file", path=path, offset=offset)
            size, digest = _send(call, fd, offset)
        finally:
            os.close(fd)
        call.event(event="file.end", path=path, bytes=size, sha256=digest)
    return {"files": len(files)}


def _send(call: Call, fd: int, offset: int) -> Tuple[int, str]:
    """The file as long as it is now: one that grows is cut there."""
    total, size = hashlib.sha256(), 0
    end = os.fstat(fd).st_size
    while size < end:
        call.wait(0)
        chunk = os.pread(fd, min(wire.BULK, end - size), size)
        if not chunk:
            break
        total.update(chunk)
        if size + len(chunk) > offset:
            call.data(chunk[max(0, offset - size) :])
        size += len(chunk)
    return size, total.hexdigest()


def _tops(folder: str, run: str, output: str) -> Iterator[Tuple[str, str, str]]:
    """(first part of the path for the client, folder of ours, what is asked for in it)."""
    yield OUTPUTS, os.path.join(folder, OUTPUTS), _checked(output) if output else ""
    if not output:
        yield ARTIFACTS, _artifacts(folder, run), ""


def _artifacts(folder: str, run: str) -> str:
    return os.path.join(folder, "tracking", ARTIFACTS, run)


def _joined(top: str, path: str) -> str:
    return "%s/%s" % (top, path)


def _plain(path: str) -> bool:
    try:
        path.encode()
        return bool(artifact_path(path))
    except (Refused, UnicodeEncodeError):
        return False


def _checked(path: Any) -> str:
    if not isinstance(path, str) or not _plain(path):
        raise Fault("run", "not a path of a run: %r" % (path,))
    return path


def _size(file: plainfiles.Found) -> int:
    fd = plainfiles.open_in(file.directory, file.name)
    if fd < 0:
        return -1
    size = os.fstat(fd).st_size
    os.close(fd)
    return size


def _opened(folder: str, run: str, path: str) -> int:
    top, _, below = _checked(path).partition("/")
    bases = {OUTPUTS: os.path.join(folder, OUTPUTS), ARTIFACTS: _artifacts(folder, run)}
    return plainfiles.open_below(bases[top], below) if top in bases and below else -1


def _digest(call: Call, folder: str, run: str, path: str) -> str:
    fd = _opened(folder, run, path)
    if fd < 0:
        return ""
    total = hashlib.sha256()
    with os.fdopen(fd, "rb") as file:
        for chunk in iter(lambda: file.read(wire.BULK), b""):
            call.wait(0)
            total.update(chunk)
    return total.hexdigest()
