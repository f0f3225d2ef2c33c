"""When the bytes of `passed.log` were written: a line `[offset, time]` of `log-times.jsonl` for a second of activity.

A run of weeks has a line for more and more seconds: some thousands for each doubling of its time.
"""

from __future__ import annotations

import json
import os
import time
from typing import Iterator, List, Tuple

from .tail import Tail

FILE = "log-times.jsonl"
EVERY_S = 1.0
THIN_AFTER = 4096  # lines; then half as often, and so on


class LogTimes:
    """Written by the supervisor; another one goes on where the first was killed."""

    def __init__(self, folder: str) -> None:
        path = os.path.join(folder, FILE)
        self._lines = 0
        if os.path.exists(path):
            with open(path, "rb") as file:
                self._lines = file.read().count(b"\n")
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed by close()
        self._next = 0.0

    def note(self, offset: int) -> None:
        """Bytes from `offset` on are written now."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_S * 2 ** (self._lines // THIN_AFTER)
        line = json.dumps([offset, round(time.time(), 2)])
        try:
            self._file.write(b"%s\n" % line.encode())
        except OSError:
            return  # a full disk ends the run by its log, not by this
        self._lines += 1

    def close(self) -> None:
        self._file.close()


def tail(folder: str) -> Tail:
    return Tail(os.path.join(folder, FILE))


def points(lines: List[bytes]) -> Iterator[Tuple[int, float]]:
    """What the lines say; half a line of a supervisor that was killed says nothing."""
    for line in lines:
        try:
            offset, when = json.loads(line.decode())
        except (ValueError, TypeError):
            continue
        yield offset, when
