"""The states of a run: an append-only `state.jsonl`, each line a compare-and-set under a lock.

A line is {"seq", "time", "state", "reason", "boot_id", "pid", "start"} and, where known, "exit_code",
"sandbox" ([pid, start time] of its processes on the VM) and "began" (seconds since the boot).
A terminal state never changes.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from typing import Any, Callable, Iterable, Optional

from . import locks, processes

FILE = "state.jsonl"
RESERVE = "reserve"  # given up when the disk is full, so that the last line finds room
RESERVED_BYTES = 16 * 1024
TERMINAL = frozenset(("completed", "failed", "cancelled", "lost"))


class States:
    """`clock` and `boot_id` are the machine's, unless a test says otherwise."""

    def __init__(
        self, folder: str, clock: Callable[[], float] = time.time, boot_id: Callable[[], str] = processes.boot_id
    ) -> None:
        self.folder = folder
        self.path = os.path.join(folder, FILE)
        self._clock = clock
        self._boot_id = boot_id

    def read(self) -> list[dict[str, Any]]:
        """All complete lines, oldest first."""
        try:
            with open(self.path, "rb") as file:
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return []
        return [json.loads(line.decode()) for line in lines[:-1] if line]

    def last(self) -> dict[str, Any]:
        lines = self.read()
        return lines[-1] if lines else {"seq": 0, "state": "", "boot_id": "", "time": 0.0, "reason": ""}

    def same_boot(self, line: dict[str, Any]) -> bool:
        return bool(line["boot_id"] == self._boot_id())

    def append(
        self, expected: Iterable[str], state: str, reason: str = "", *, patience: Optional[float] = None, **more: Any
    ) -> bool:
        """Writes `state` if the last one is among `expected` ("" is none yet); False where it is not.

        `patience`: in seconds, for somebody else who writes: one that is stopped would be waited for without end.
        """
        with open(self.path, "ab") as file:
            if not _locked(file.fileno(), patience):
                return False
            last = self.last()
            if last["state"] not in expected or last["state"] in TERMINAL:
                return False
            pid, start = processes.identity(os.getpid())
            line = {
                "seq": last["seq"] + 1,
                "time": self._clock(),
                "state": state,
                "reason": reason,
                "boot_id": self._boot_id(),
                "pid": pid,
                "start": start,
                **more,
            }
            reserve = os.path.join(self.folder, RESERVE) if state in TERMINAL else ""
            _write(file.fileno(), json.dumps(line).encode() + b"\n", reserve)
            return True

    def reserve(self) -> None:
        with open(os.path.join(self.folder, RESERVE), "wb") as file:
            file.write(b"\0" * RESERVED_BYTES)


def _locked(fd: int, patience: Optional[float]) -> bool:
    if patience is None:
        fcntl.flock(fd, fcntl.LOCK_EX)
        return True
    end = time.monotonic() + patience
    while not locks.taken(fd):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _write(fd: int, line: bytes, reserve: str) -> None:
    """The whole line or nothing of it, on the disk when this returns. `reserve`: a file to give up for it."""
    size = os.fstat(fd).st_size
    try:
        _write_all(fd, line)
    except OSError:
        os.ftruncate(fd, size)
        if not os.path.exists(reserve):
            raise
        os.unlink(reserve)
        _write_all(fd, line)
    os.fsync(fd)


def _write_all(fd: int, line: bytes) -> None:
    while line:
        line = line[os.write(fd, line) :]
