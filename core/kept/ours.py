"""Changes and removes only what is ours: no link is followed, no file of another user or with a second name touched."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
FAULTS = (OSError, ValueError, RecursionError, NotImplementedError)  # what one bad path can raise


class Left(Exception):
    """It stays as it is; says why, to be read after its path."""


def why_left(status: os.stat_result) -> str:
    """Why nobody may touch what has this status (of the path itself, no link followed), or nothing."""
    if stat.S_ISLNK(status.st_mode):
        return "is a link"
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        return "is neither a file nor a folder"
    if status.st_uid != os.getuid():
        return "belongs to another user"
    if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
        return "has another name too (a hard link)"
    return ""


def reason(error: BaseException) -> str:
    """`error` in words that follow a path."""
    if isinstance(error, RecursionError):
        return "has too many folders in one another"
    if isinstance(error, OSError):
        return f"cannot be used: {error.strerror or error}"
    return str(error) if isinstance(error, Left) else f"cannot be used: {error}"


@contextlib.contextmanager
def folder_of(base: Path, path: Path) -> Iterator[int]:
    """A descriptor of the folder that holds `path`, reached from `base` through no link. Raises OSError."""
    folder = os.open(base, FOLDER)
    try:
        for part in path.relative_to(base).parts[:-1]:
            inner = os.open(part, FOLDER | SAFE, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def status_in(folder: int, name: str) -> os.stat_result:
    """Raises Left for what may not be touched, OSError."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    why = why_left(status)
    if why:
        raise Left(why)
    return status


@contextlib.contextmanager
def opened(folder: int, name: str) -> Iterator[int]:
    """A descriptor for reading of a file or folder that is ours. Raises Left, OSError."""
    status_in(folder, name)  # the opening of a device may have effects
    handle = os.open(name, os.O_RDONLY | SAFE, dir_fd=folder)
    try:
        why = why_left(os.fstat(handle))
        if why:
            raise Left(why)
        yield handle
    finally:
        os.close(handle)


def close_to_others(handle: int) -> None:
    os.fchmod(handle, stat.S_IMODE(os.fstat(handle).st_mode) & 0o700)


def remove(folder: int, name: str) -> None:
    """A file, or a folder and all names in it. Raises Left, OSError, RecursionError."""
    if stat.S_ISREG(status_in(folder, name).st_mode):
        os.unlink(name, dir_fd=folder)
        return
    for _, _, _, inner in os.fwalk(name, dir_fd=folder):
        if os.fstat(inner).st_uid == os.getuid():
            os.fchmod(inner, 0o700)  # staged data are read-only, folders too
    shutil.rmtree(name, dir_fd=folder)
