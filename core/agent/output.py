"""A job's output: out of a FIFO into `raw.log`, and through the gate into `passed.log`.

The FIFO is held open for reading and writing: the job can neither cut its log short
nor be ended by the loss of its reader. What it prints beyond a limit is dropped, and a
last line in both files says so.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from typing import Callable, Optional

from . import gate, log_times, runfolder, sandbox

FIFO = "output.fifo"
CHUNK = 256 * 1024
PIPE_BYTES = 1024 * 1024
F_SETPIPE_SZ = 1031  # fcntl(2)
SPLICE_F_NONBLOCK = 2  # splice(2)
LIMIT = 1 << 30  # bytes of each of the two files, where the policy has no `log_bytes`
FULL = "\n[trainshed] the log has its limit of %d bytes: what the job prints from here on is dropped, the run goes on\n"


class Output:
    def __init__(
        self, folder: str, limit: int = LIMIT, heard: Callable[[bytes], object] = len, keep: bool = False
    ) -> None:
        """`heard` is given all that passes; what it answers is not used.

        `keep`: for a job that outlives its supervisor: the FIFO stays in the folder, and one that is there is used.
        """
        self._heard = heard
        self._limit = limit
        size = os.path.getsize(os.path.join(folder, runfolder.RAW))
        self._left = max(0, limit - size)
        self._dropping = size > limit  # an earlier supervisor has said so
        path = os.path.join(folder, FIFO)
        if not (keep and os.path.exists(path)):
            os.mkfifo(path, 0o600)
        sandbox.give(path)  # `> /dev/stdout` in a job opens it again
        self.job = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._reader = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        if not keep:
            os.unlink(path)
        try:
            fcntl.fcntl(self._reader, F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:
            pass  # the user's share of pipe memory is used up
        self._raw = os.open(os.path.join(folder, runfolder.RAW), os.O_RDWR | os.O_CLOEXEC)
        self._size = os.fstat(self._raw).st_size
        self._passed = os.open(os.path.join(folder, runfolder.PASSED), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._written = os.fstat(self._passed).st_size
        self._times = log_times.LogTimes(folder)
        self._catch_up(folder)

    def _catch_up(self, folder: str) -> None:
        """What an earlier supervisor had written to one file and not yet to the other: the gate keeps lengths."""
        with open(os.path.join(folder, runfolder.RAW), "rb") as raw:
            raw.seek(self._written)
            for chunk in iter(lambda: raw.read(CHUNK), b""):
                self._pass(chunk)

    def fileno(self) -> int:
        return self._reader

    def pump(self) -> bool:
        """Moves one chunk; False when nothing waits. Raises OSError when the disk is full."""
        try:
            if self._left:
                self._move()
            else:
                os.read(self._reader, CHUNK)
                self._drop()
        except BlockingIOError:
            return False
        return True

    def _move(self) -> None:
        """Out of the FIFO into raw.log in one step of the kernel: whoever is killed here loses nothing."""
        size = _splice(self._reader, self._raw, self._size, min(CHUNK, self._left))
        if size is None:
            chunk = os.read(self._reader, min(CHUNK, self._left))
            os.lseek(self._raw, self._size, os.SEEK_SET)
            _write(self._raw, chunk)
            size = len(chunk)
        chunk = os.pread(self._raw, size, self._size)
        self._size += size
        self._left -= size
        self._pass(chunk)

    def _pass(self, chunk: bytes) -> None:
        passed = gate.passed(chunk)
        self._times.note(self._written)
        _write(self._passed, passed)
        self._written += len(passed)
        self._heard(passed)

    def _drop(self) -> None:
        if not self._dropping:
            self._dropping = True
            line = (FULL % self._limit).encode()
            os.lseek(self._raw, self._size, os.SEEK_SET)
            _write(self._raw, line)
            _write(self._passed, line)

    def drain(self) -> None:
        while self.pump():
            pass

    def tail(self) -> str:
        """The last line of what was written."""
        path = "/proc/self/fd/%d" % self._raw
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(self._raw).st_size - 4096))
            lines = file.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def close(self) -> None:
        for fd in (self._raw, self._passed):
            try:
                os.fsync(fd)
            except OSError:
                pass
        self._times.close()
        for fd in (self.job, self._reader, self._raw, self._passed):
            os.close(fd)


_libc = ctypes.CDLL(None, use_errno=True)


def _splice(source: int, target: int, offset: int, size: int) -> Optional[int]:
    """splice(2): bytes moved; None where the file system of `target` cannot. Raises OSError."""
    length, flags = ctypes.c_size_t(size), ctypes.c_uint(SPLICE_F_NONBLOCK)
    while True:
        at = ctypes.c_longlong(offset)
        moved: int = _libc.splice(source, None, target, ctypes.byref(at), length, flags)
        if moved >= 0:
            return moved
        number = ctypes.get_errno()
        if number in (errno.EINVAL, errno.ENOSYS):
            return None
        if number != errno.EINTR:  # a signal before the first byte: as Python does it for its own calls
            raise OSError(number, os.strerror(number))


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
