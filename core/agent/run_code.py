"""The code of a run, for a comparison: its files with their hashes, and one text of it. Data are never among it:
what was sent as an input is a snapshot too, and no run's code.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Any, Dict, Iterator, List, Tuple

from . import plainfiles, runfolder, snapshots
from .call import Call
from .faults import Fault

MOST_FILES = 20000
MOST_HASHED = 1 << 30  # bytes of one listing; a file beyond is known by its size alone
MOST_TEXT = 256 << 10  # bytes of one text
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def files(call: Call, run: str) -> Dict[str, Any]:
    """{"files": [{"path", "kind": "file" or "link", "bytes", "sha256"}], "more"}: `more` where the rest was left out.
    A link counts by where it points to, and is not followed. Raises Fault.
    """
    found: List[Dict[str, Any]] = []
    left = MOST_HASHED
    for path, name, directory in _entries(_folder(call.root, run)):
        call.wait(0)
        if len(found) == MOST_FILES:
            return {"files": found, "more": True}
        entry = _entry(name, directory, left)
        left -= entry["bytes"] if entry["sha256"] else 0
        found.append({"path": path, **entry})
    return {"files": found, "more": False}


def read(call: Call, run: str, path: str) -> Dict[str, Any]:
    """{"text"}, or {"why": "large" or "binary"}. Raises Fault for what is no regular file of the run's code."""
    folder = _folder(call.root, run)
    fd = -1
    if folder and isinstance(path, str) and ".." not in path.split("/"):
        fd = plainfiles.open_below(folder, path)
    if fd < 0:
        raise Fault("run", "the code of run %s has no file %r" % (run, path))
    with os.fdopen(fd, "rb") as file:
        data = file.read(MOST_TEXT + 1)
    if len(data) > MOST_TEXT:
        return {"why": "large"}
    try:
        return {"why": "binary"} if b"\0" in data else {"text": data.decode()}
    except UnicodeDecodeError:
        return {"why": "binary"}


def _folder(root: str, run: str) -> str:
    """ "" for a run without code."""
    digest = runfolder.read_json(runfolder.find(root, run), "job.json").get("snapshot")
    return snapshots.folder(root, digest) if digest else ""


def _entries(folder: str) -> Iterator[Tuple[str, str, int]]:
    """(path, name, descriptor of its folder) of each file and link, in order."""
    if not folder:
        return
    start = os.open(folder, FOLDER)
    try:
        for inner, folders, names, directory in os.fwalk(".", dir_fd=start, follow_symlinks=False):
            links = [name for name in folders if _is_link(name, directory)]
            folders[:] = sorted(set(folders) - set(links))
            for name in sorted(names + links):
                yield os.path.normpath(os.path.join(inner, name)), name, directory
    finally:
        os.close(start)


def _is_link(name: str, directory: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)


def _entry(name: str, directory: int, left: int) -> Dict[str, Any]:
    if _is_link(name, directory):
        target = os.fsencode(os.readlink(name, dir_fd=directory))
        return {"kind": "link", "bytes": 0, "sha256": hashlib.sha256(b"link\0" + target).hexdigest()}
    fd = plainfiles.open_in(directory, name)
    if fd < 0:
        return {"kind": "file", "bytes": 0, "sha256": ""}
    with os.fdopen(fd, "rb") as file:
        size = os.fstat(fd).st_size
        return {"kind": "file", "bytes": size, "sha256": _sha256(file) if size <= left else ""}


def _sha256(file: Any) -> str:
    total = hashlib.sha256()
    while True:
        data = file.read(1 << 20)
        if not data:
            return total.hexdigest()
        total.update(data)
