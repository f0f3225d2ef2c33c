"""Metrics out of what a job prints: every KEY=NUMBER of a line, as `loss=0.25 accuracy=0.9 step=3`.

A pair stands between blanks, commas, semicolons, bars or brackets; a percent sign after it is dropped. The first of
STEPS that a line has is the step of its others; without one a key counts up by itself.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional

STEPS = ("step", "global_step", "iteration", "epoch")
LINE_BYTES = 64 * 1024  # of a longer line nothing is read
PAIRS = 200  # of one line
_LINE_END = re.compile(rb"[\r\n]+")  # a progress bar goes back to the line's beginning
_ESCAPE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
_PAIR = re.compile(
    rb"(?<![^\s,;|()\[\]{}])"
    rb"([A-Za-z_][\w./-]{0,249})=([-+]?(?:(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][-+]?\d{1,4})?|inf|nan))%?"
    rb"(?![^\s,;|()\[\]{}])",
    re.IGNORECASE,
)


class Point(NamedTuple):
    key: str
    value: float
    step: Optional[int]  # None: it counts up


class Lines:
    """Takes bytes as they come; a line counts when it has ended. `before`: what came before the first of them."""

    def __init__(self, before: bytes = b"") -> None:
        self._rest = _LINE_END.split(before)[-1]
        self._too_long = len(self._rest) > LINE_BYTES

    def feed(self, chunk: bytes) -> List[Point]:
        *lines, rest = _LINE_END.split(self._rest + chunk)
        found: List[Point] = []
        for line in lines:
            if not self._too_long and len(line) <= LINE_BYTES:
                found += points(line)
            self._too_long = False
        self._too_long = self._too_long or len(rest) > LINE_BYTES
        self._rest = b"" if self._too_long else rest
        return found

    def end(self) -> List[Point]:
        """What the last line holds, which nothing ended."""
        return self.feed(b"\n")


def points(line: bytes) -> List[Point]:
    if b"=" not in line:
        return []
    pairs = _PAIR.findall(_ESCAPE.sub(b"", line))[:PAIRS]
    values: Dict[str, float] = {key.decode(): float(value) for key, value in pairs}
    steps = {key: value for key, value in values.items() if key in STEPS and value == value // 1}
    named = next((key for key in STEPS if key in steps), "")
    step = int(steps[named]) if named and abs(steps[named]) < 2**53 else None
    return [Point(key, value, step) for key, value in values.items() if key != named]
