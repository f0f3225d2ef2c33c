"""Files in a folder that foreign code writes: no link is followed, and nothing but regular files is opened."""

from __future__ import annotations

import os
import stat
from typing import Iterator, NamedTuple

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Found(NamedTuple):
    path: str  # below the start, with "/"
    name: str
    directory: int  # an open descriptor of its folder


def descend(base: str, folder: str) -> int:
    """A descriptor of base/folder that no link led to; -1 where it is not there. `base` is ours."""
    try:
        fd = os.open(base, FOLDER)
    except OSError:
        return -1
    for part in [part for part in folder.split("/") if part]:
        try:
            inner = os.open(part, FOLDER, dir_fd=fd)
        except (OSError, ValueError):  # a NUL, or half a character: no file has such a name
            inner = -1
        os.close(fd)
        if inner < 0:
            return -1
        fd = inner
    return fd


def walk(base: str, folder: str, most: int) -> Iterator[Found]:
    """What is below base/folder, in order, folders left out; nothing more once `most` entries were seen."""
    start = descend(base, folder)
    if start < 0:
        return
    seen = 0
    try:
        for inner, folders, files, directory in os.fwalk(".", dir_fd=start, follow_symlinks=False):
            seen += len(folders) + len(files)
            if seen > most:
                return
            folders.sort()
            for name in sorted(files):
                yield Found(os.path.normpath(os.path.join(inner, name)), name, directory)
    finally:
        os.close(start)


def open_in(directory: int, name: str) -> int:
    """A descriptor of a regular file; -1 for anything else, also one that has gone."""
    try:
        fd = os.open(name, FILE, dir_fd=directory)
    except (OSError, ValueError):
        return -1
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    return -1


def open_below(base: str, path: str) -> int:
    """The same for base/path; `path` has "/" and no ".."."""
    folder, _, name = path.rpartition("/")
    directory = descend(base, folder)
    if directory < 0:
        return -1
    try:
        return open_in(directory, name)
    finally:
        os.close(directory)
