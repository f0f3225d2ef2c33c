"""When the bytes of a log were written, and what a person means by a place in a log."""

from __future__ import annotations

import re
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

DAY_S = 86_400.0
AGO = re.compile(r"-\s*(\d{1,6})\s*(s|min|m|h|d)")
UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": DAY_S}
CLOCK = re.compile(r"(?:(\d{4})-(\d\d?)-(\d\d?)[ T])?(\d\d?):(\d\d)(?::(\d\d))?")
LINE = re.compile(r"[\d,_]{1,20}")
SHARE = re.compile(r"(\d{1,3})\s*%")


class LogTimes:
    """Points (offset, seconds since the epoch), in order of both."""

    def __init__(self) -> None:
        self._offsets = array("Q")
        self._times = array("d")

    def __bool__(self) -> bool:
        return bool(self._offsets)

    def add(self, points: Iterable[tuple[int, float]]) -> None:
        """What goes back in the log is left out; a clock that was set back stands still."""
        for offset, when in points:
            if not self._offsets or offset > self._offsets[-1]:
                self._offsets.append(offset)
                self._times.append(max(when, self._times[-1]) if self._times else when)

    def of(self, offset: int) -> float | None:
        """When that byte was written; None where nobody noted it."""
        at = bisect_right(self._offsets, offset) - 1
        return self._times[at] if at >= 0 else None

    def offset(self, when: float) -> int:
        """The first byte that was written at `when` or later; else the last that is known."""
        at = bisect_left(self._times, when)
        return self._offsets[min(at, len(self._offsets) - 1)]

    def meant(self, text: str) -> float | None:
        """`14:03`, `14:03:22`, `2026-11-26 14:03`, `-10m` (before the last line); None for anything else.

        A time of day without a date is that of the log's last day that has it.
        """
        last = self._times[-1]
        ago = AGO.fullmatch(text)
        if ago:
            return last - int(ago[1]) * UNITS[ago[2]]
        clock = CLOCK.fullmatch(text)
        if clock is None:
            return None
        now = time.localtime(last)
        year, month, day = (int(clock[at]) if clock[at] else now[at - 1] for at in (1, 2, 3))
        try:
            when = time.mktime((year, month, day, int(clock[4]), int(clock[5]), int(clock[6] or 0), 0, 0, -1))
        except (OverflowError, ValueError):
            return None
        return when - DAY_S if not clock[1] and when > last and self._times[0] <= when - DAY_S + 60 else when


def line_number(text: str) -> int | None:
    """`1234` or `1,234`: counted from 0. None for anything else."""
    found = LINE.fullmatch(text)
    digits = re.sub(r"\D", "", found[0]) if found else ""
    return max(0, int(digits) - 1) if digits else None


def share(text: str) -> float | None:
    """`50%` is 0.5; None for anything else."""
    found = SHARE.fullmatch(text)
    return min(1.0, int(found[1]) / 100) if found else None
