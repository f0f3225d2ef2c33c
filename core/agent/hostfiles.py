"""Small text files of the host, below a prefix: "" is the host itself, a test has its own folder."""

from __future__ import annotations

import errno
import glob
import itertools
import os
import re
import stat

LIMIT = 8 << 20  # bytes; more is no configuration
CHUNK = 64 << 10  # /proc refuses to be asked for much at once
SETTING = re.compile(r"\s*([^\s=]+)(\s*=|\s+(?=\S)|)(.*)", re.DOTALL)
NULL = os.makedev(1, 3)  # /dev/null


class Files:
    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix.rstrip("/")

    def path(self, path: str) -> str:
        """Where it is on this host."""
        return self._prefix + path if self._prefix else path

    def text(self, path: str) -> str:
        """Raises OSError, named as on the host, also for what is no regular file and for one that is too large."""
        try:
            return read(self.path(path))
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from None

    def optional(self, path: str) -> str:
        """ "" where there is no such file. Raises OSError where it may not be read."""
        try:
            return self.text(path)
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def exists(self, path: str) -> bool:
        return os.path.exists(self.path(path))

    def names(self, pattern: str) -> list[str]:
        """Paths like the pattern, sorted."""
        return sorted(path[len(self._prefix) :] for path in glob.glob(self.path(pattern)))

    def settings(self, path: str) -> dict[str, str]:
        """`key = value`, `key value` or a lone `key` (its value is "1"), one a line, `#` begins a comment."""
        lines = [SETTING.match(line.partition("#")[0]) for line in self.optional(path).splitlines()]
        return {line.group(1): line.group(3).strip() if line.group(2) else "1" for line in lines if line}


def read(path: str) -> str:
    """The text of a file; "" of /dev/null, which some put in the place of one. Raises OSError, as `data` does."""
    return data(path).decode("utf-8", "replace")


def data(path: str) -> bytes:
    """Never waits, and opens nothing but a plain file: to open some devices is to set them going."""
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        found = os.fstat(place)
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == NULL:
            return b""
        if not stat.S_ISREG(found.st_mode) or found.st_size > LIMIT:
            raise OSError(errno.EINVAL, "not a file that can be read whole", path)
        return _whole(place, path)
    finally:
        os.close(place)


def _whole(place: int, path: str) -> bytes:
    try:
        fd = os.open("/proc/self/fd/%d" % place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    try:
        parts = iter(lambda: os.read(fd, CHUNK), b"")
        return b"".join(itertools.islice(parts, LIMIT // CHUNK))
    finally:
        os.close(fd)
