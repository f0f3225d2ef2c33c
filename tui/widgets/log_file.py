"""A log file of this machine, as others write it: it grows, is cut, or another takes its name."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

from .log_store import LogStore

FIRST = 256  # bytes at its beginning that tell a file from another that was written over it


def _at_once(path: str, flags: int) -> int:
    """Another user may have put a FIFO there, whose other end nobody opens."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class LogFile:
    """`look` takes in what has happened to the file, and `store` is what it is now."""

    def __init__(self, path: Path) -> None:
        """Raises OSError; IsADirectoryError and the like for what is no regular file."""
        self.path = path
        self._gone = False
        self._begin()

    def _begin(self) -> None:
        file: IO[bytes] = open(self.path, "rb", buffering=0, opener=_at_once)  # noqa: SIM115 - has no opener
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            file.close()
            raise OSError(f"{self.path} is not a regular file")
        self._fd, self._id = file.fileno(), (about.st_dev, about.st_ino)
        self._first = os.pread(self._fd, FIRST, 0)
        self.store = LogStore(file)
        self.store.grow(about.st_size)

    def look(self) -> str:
        """What a person should know of the change; empty where the file only grew, or nothing happened.

        After a change of that kind `store` is another one.
        """
        try:
            about = self.path.stat()
        except OSError:
            return self._missing()
        if (about.st_dev, about.st_ino) != self._id:
            return self._anew("was replaced: this is the new file")
        if about.st_size < self.store.size:
            return self._anew("was cut: this is what it holds now")
        if about.st_size > self.store.size:
            if os.pread(self._fd, len(self._first), 0) != self._first:
                return self._anew("was written anew: this is what it holds now")
            if len(self._first) < FIRST:
                self._first = os.pread(self._fd, FIRST, 0)
            self.store.grow(about.st_size)
        self._gone = False
        return ""

    def _missing(self) -> str:
        if self._gone:
            return ""
        self._gone = True
        return f"{self.path.name} is gone: what it held is still shown"

    def _anew(self, what: str) -> str:
        try:
            self._begin()
        except OSError:
            return self._missing()
        self._gone = False
        return f"{self.path.name} {what}"
