"""The list of what a person put in a place of their own: journals, saved logs, reports of checks, receipts, downloads.

A path says little about what is there later. So a file is known by its device and inode too, a log also by its size and
time, a journal also by its first bytes; whatever else stands at the path is not touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..site import paths
from . import ours

NAME = "elsewhere.jsonl"
LONGEST_LINE = 65_536  # bytes; the longest path, each letter escaped, is a third of it
BEGINS = b'{"journal"'


@dataclass(frozen=True)
class Entry:
    """`identity`: (device, inode, bytes, modified in ns) when it was noted; None in lists of an earlier version."""

    kind: str
    path: Path
    identity: tuple[int, int, int, int] | None = None


def _list() -> Path:
    return paths.states().parent / NAME


def remember(kind: str, path: Path) -> None:
    """Notes a file or folder of `kind` (journal, log, check, receipt, download) that a person has put at `path`.

    Where that cannot be noted, what was asked for is done all the same.
    """
    try:
        real = Path(os.path.realpath(path))
        noted: dict[str, Any] = {"kind": kind, "path": str(real), "at": int(time.time())}
        with contextlib.suppress(FileNotFoundError):
            noted["is"] = _identity(real.lstat())
        line = os.fsencode(json.dumps(noted, ensure_ascii=False) + "\n")
        paths.make_private(_list().parent)
        with _locked(os.O_WRONLY | os.O_APPEND | os.O_CREAT) as handle:
            os.write(handle, line)
    except ours.FAULTS:
        pass


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


@contextlib.contextmanager
def _locked(flags: int) -> Iterator[int]:
    """The list, for one process at a time where the platform has `flock`. Raises OSError, also for what is no file."""
    while True:
        handle = os.open(_list(), flags | ours.SAFE, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError("it is not a file")
            _lock(handle)
            if not _is_at(handle, _list()):  # another process has written the list anew
                continue
            yield handle
            return
        finally:
            os.close(handle)


def _lock(handle: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    fcntl.flock(handle, fcntl.LOCK_EX)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def entries(*kinds: str) -> list[Entry]:
    """Each path once, as it was noted last; a line that cannot be read is passed over. Raises OSError."""
    found = {}
    for line in _lines():
        entry = _entry(line)
        if entry is not None and entry.kind in kinds:
            found[entry.kind, entry.path] = entry
    return list(found.values())


def _lines() -> list[bytes]:
    try:
        with _locked(os.O_RDONLY) as handle:
            return _read(handle)
    except FileNotFoundError:
        return []


def _read(handle: int) -> list[bytes]:
    with os.fdopen(os.dup(handle), "rb") as file:
        return file.read().splitlines(keepends=True)


def _entry(line: bytes) -> Entry | None:
    if len(line) > LONGEST_LINE:
        return None
    try:
        noted = json.loads(os.fsdecode(line))
        path, identity = Path(noted["path"]), noted.get("is")
        device, inode, size, modified = identity if identity is not None else (0, 0, 0, 0)
        known = None if identity is None else (int(device), int(inode), int(size), int(modified))
        return Entry(str(noted["kind"]), path, known) if path.is_absolute() else None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


@contextlib.contextmanager
def opened(entry: Entry) -> Iterator[tuple[int, int]]:
    """(folder, file) as descriptors: it is the very file that was noted. Raises ours.Left where not, OSError."""
    with (
        ours.folder_of(entry.path.parent, entry.path) as folder,
        ours.opened(folder, entry.path.name) as handle,
    ):
        why = _why_another(entry, handle)
        if why:
            raise ours.Left(why)
        yield folder, handle


def _why_another(entry: Entry, handle: int) -> str:
    status = os.fstat(handle)
    now = _identity(status)
    if not stat.S_ISREG(status.st_mode):
        return "is a folder now"
    if entry.identity is None:
        return "was noted by an earlier version, which did not note which file it was"
    if entry.kind == "journal" and os.pread(handle, len(BEGINS), 0) != BEGINS:
        return "is no journal any more"
    if now[:2] != entry.identity[:2]:
        return "is another file than the one that was written"
    if entry.kind != "journal" and now != entry.identity:
        return "was changed after it was written"
    return ""


def forget_what_is_gone() -> None:
    """Takes what is not there any more out of the list, and what was noted of a path before; what is on a medium that
    is away stays. Raises OSError.
    """
    try:
        with _locked(os.O_RDONLY) as handle:
            before = _read(handle)
            known = {(entry.kind, entry.path) if entry else line: line for line in before for entry in [_entry(line)]}
            after = [line for line in known.values() if not _is_gone(_entry(line))]
            if after != before:
                _write_anew(b"".join(after))
    except FileNotFoundError:
        return


def _write_anew(text: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=_list().parent, prefix=f".{NAME}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        Path(temporary).replace(_list())
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _is_gone(entry: Entry | None) -> bool:
    if entry is None:
        return False
    try:
        entry.path.lstat()
    except FileNotFoundError:
        return _is_here(entry)
    except ours.FAULTS:
        return False
    return False


def _is_here(entry: Entry) -> bool:
    """Whether the folder is there, and on the file system that the file was on."""
    try:
        status = entry.path.parent.stat()
    except ours.FAULTS:
        return False
    return entry.identity is None or status.st_dev == entry.identity[0]
