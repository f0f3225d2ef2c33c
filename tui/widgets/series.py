"""Metric values as they arrive: kept whole in arrays, and in blocks that make drawing a million as cheap as a few."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from core.events import Metric

BLOCK = 8  # points to a block, blocks to a block of the next level
SHIFT = 3  # log2 of it
FARTHEST = 2.0**63  # a step is an int64
LATEST = 1e12  # seconds: the year 33658


def name(metric: Metric) -> str:
    return f"{metric.run[:6]}/{metric.key}" if metric.run else metric.key


class Item(NamedTuple):
    """Points that stand side by side: from `first` to `last` (indexes), all between `low` and `high`.

    `positive`: the smallest value above 0, infinity where there is none. Without a finite value low > high.
    """

    first: int
    last: int
    low: float
    high: float
    positive: float


class Blocks:
    """Smallest, largest and smallest positive value of every 8 points, of every 64, and so on; NaN and infinities
    are in none. Appending costs the same however much there is; a level has an eighth of the one below.
    """

    def __init__(self) -> None:
        self.values = array("d")
        self._levels: list[tuple[array[float], array[float], array[float]]] = []

    def __len__(self) -> int:
        return len(self.values)

    def append(self, value: float) -> None:
        values = self.values
        values.append(value)
        if len(values) % BLOCK == 0:
            finite = [value for value in values[-BLOCK:] if value - value == 0.0]
            above = [value for value in finite if value > 0]
            self._push(0, min(finite, default=math.inf), max(finite, default=-math.inf), min(above, default=math.inf))

    def _push(self, level: int, low: float, high: float, positive: float) -> None:
        if level == len(self._levels):
            self._levels.append((array("d"), array("d"), array("d")))
        lows, highs, positives = self._levels[level]
        lows.append(low)
        highs.append(high)
        positives.append(positive)
        if len(lows) % BLOCK == 0:
            self._push(level + 1, min(lows[-BLOCK:]), max(highs[-BLOCK:]), min(positives[-BLOCK:]))

    def items(self, begin: int, end: int, most: int) -> Iterator[Item]:
        """The points from `begin` to before `end` in at most `most` items or so (`most` ≥ 8).

        Blocks at the two ends may hold a few points more than were asked for.
        """
        end = min(end, len(self.values))
        level = 0
        while (end - begin) >> (SHIFT * level) > most and level < len(self._levels):
            level += 1
        at = begin >> (SHIFT * level)
        while level:
            lows, highs, positives = self._levels[level - 1]
            size = BLOCK**level
            until = min(len(lows), -(-end // size) if level == 1 else end // size)
            firsts = range(at * size, until * size, size)
            for first, *rest in zip(firsts, lows[at:until], highs[at:until], positives[at:until], strict=True):
                yield Item(first, first + size - 1, *rest)
            at = max(at, until) * BLOCK
            level -= 1
        for index, value in enumerate(self.values[at:end], at):
            if value - value == 0.0:
                yield Item(index, index, value, value, value if value > 0 else math.inf)


@dataclass(repr=False)
class Series:
    """One metric of one run, in the order it came. `steps` as logged, `times` in seconds since the epoch."""

    steps: array[float] = field(default_factory=lambda: array("d"))
    times: array[float] = field(default_factory=lambda: array("d"))
    blocks: Blocks = field(default_factory=Blocks)
    low: float = math.inf  # of the finite values
    high: float = -math.inf
    odd: int = 0  # values that are NaN or infinite
    odd_since: float = math.nan  # step of the first of those that have come without a finite one since
    not_positive: int = 0
    ordered: dict[str, bool] = field(default_factory=lambda: {"steps": True, "times": True})

    def add(self, step: float, value: float, time: float = 0.0) -> None:
        step = float(max(-FARTHEST, min(step, FARTHEST)))
        time = max(-LATEST, min(time, LATEST)) if time == time else 0.0  # the clock of another machine
        if self.steps:
            if not step >= self.steps[-1]:
                self.ordered["steps"] = False
            if not time >= self.times[-1]:
                self.ordered["times"] = False
        self.steps.append(step)
        self.times.append(time)
        self.blocks.append(value)
        if value - value != 0.0:
            self.odd += 1
            self.odd_since = step if math.isnan(self.odd_since) else self.odd_since
            return
        self.odd_since = math.nan
        self.low, self.high = min(self.low, value), max(self.high, value)
        if value <= 0:
            self.not_positive += 1

    @property
    def values(self) -> array[float]:
        return self.blocks.values

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def last(self) -> float:
        return self.values[-1]

    def reached(self, axis: Sequence[float], ordered: bool, x: float) -> int:
        """The index of the last point at or before `x` on `axis` (steps or times of this series); -1: none."""
        if ordered:
            return bisect_right(axis, x) - 1
        before = (index for index, here in enumerate(axis) if here <= x)
        return max(before, key=lambda index: (axis[index], index), default=-1)

    def between(self, axis: Sequence[float], ordered: bool, low: float, high: float) -> tuple[int, int]:
        """Indexes of what lies from `low` to `high` on `axis`, and of a neighbour on each side, for the line's sake.

        All of them where the points did not come in that order.
        """
        if not ordered:
            return 0, len(self)
        return max(0, bisect_left(axis, low) - 1), min(len(self), bisect_right(axis, high) + 1)


class Smoothed:
    """The exponential moving average of a series, corrected for its start.

    s(0) = 0, s(n) = w·s(n-1) + (1-w)·v(n), shown as s(n) / (1 - w**n): what TensorBoard's scalar charts draw
    (`classicSmoothing` of tensorboard/webapp/widgets/line_chart_v2/data_transformer.ts in
    github.com/tensorflow/tensorboard; the correction is that of Kingma and Ba, "Adam", section 3).
    A value that is not finite is passed through and not averaged in. Points are taken in the order they came.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight  # 0 to below 1
        self.blocks = Blocks()
        self._sum = 0.0
        self._left = 1.0  # w**n

    def advance(self, values: array[float], most: int) -> bool:
        """Takes in up to `most` more of `values`; True when all are in."""
        begin = len(self.blocks)
        weight, total, left, append = self.weight, self._sum, self._left, self.blocks.append
        for value in values[begin : begin + most]:
            if value - value != 0.0:
                append(value)
                continue
            total = total * weight + (1 - weight) * value
            left *= weight
            append(total / (1 - left))
        self._sum, self._left = total, left
        return len(self.blocks) == len(values)
