"""How a quantity went, in bounded memory: a trace of weeks takes no more than one of minutes."""

from __future__ import annotations

import math

MOST = 1024  # samples kept; then neighbours become one, the larger of the two
BARS = " ▁▂▃▄▅▆▇█"


class Trace:
    """`peak` is the largest value so far; `last` the latest; both NaN before the first."""

    def __init__(self) -> None:
        self.peak = self.last = math.nan
        self._kept: list[float] = []
        self._each = 1  # values in a sample
        self._open: list[float] = []  # of the sample that is being filled

    def add(self, value: float) -> None:
        if not math.isfinite(value):
            return
        self.last = value
        self.peak = value if math.isnan(self.peak) else max(self.peak, value)
        self._open.append(value)
        if len(self._open) < self._each:
            return
        self._kept.append(max(self._open))
        self._open = []
        if len(self._kept) == MOST:
            self._kept = [max(pair) for pair in zip(self._kept[::2], self._kept[1::2], strict=True)]
            self._each *= 2

    def __len__(self) -> int:
        return len(self._kept) + bool(self._open)

    def bars(self, width: int, height: int, top: float = 0.0) -> list[str]:
        """At most `width` bars in `height` rows, from 0 to `top` or to the peak. Each is the largest of its part."""
        samples = self._kept + ([max(self._open)] if self._open else [])
        if len(samples) > width:
            count = len(samples)
            samples = [max(samples[at * count // width : (at + 1) * count // width]) for at in range(width)]
        top = max(top, self.peak) if samples else 0.0
        levels = [max(1, math.ceil(sample / top * 8 * height)) if top > 0 else 1 for sample in samples]
        return ["".join(BARS[min(8, max(0, level - 8 * row))] for level in levels) for row in reversed(range(height))]
