"""How the panel of metrics is laid out: which curves, in which plots, under which headings. It knows no Textual."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from tui import words

from .metric_view import View
from .plot import CURSOR, PLAIN, TICK, Curve, Plot, Row, Scale
from .series import Blocks, Series

MARKS, EARLIER = "●▲■◆▼★", "○△□◇▽☆"  # filled: this run; hollow: the earlier one
FAINT, BOLD, WARN = 100, 200, -5  # FAINT and BOLD are added to the style of a curve
LEAST = (38, 6)  # cells of a plot, with its heading
GUTTER = 8  # cells for the numbers at its left


@dataclass
class Metrics:
    """All metrics of one run. `began`: the earliest time of a value."""

    series: dict[str, Series] = field(default_factory=dict)
    began: float = math.inf

    def add(self, key: str, step: float, value: float, time: float) -> None:
        series = self.series.setdefault(key, Series())
        series.add(step, value, time)
        self.began = min(self.began, series.times[-1])


Smooth = Callable[[Series], Blocks | None]  # the smoothed values, None while smoothing is off


@dataclass
class Board:
    """`shown`: keys in order; `chosen`: one of them. `alone`: only that one, as large as there is room."""

    now: Metrics
    earlier: Metrics
    view: View
    shown: list[str]
    chosen: str
    smooth: Smooth
    alone: bool = False

    def extent(self) -> tuple[float, float]:
        """What the x axis of the chosen plot holds: from, to; (0, 0) for nothing."""
        return self._extent(self.shown if self.view.together and not self.alone else [self.chosen])

    def _extent(self, keys: Sequence[str]) -> tuple[float, float]:
        reaches = [curve.reach() for key in keys for curve in self._curves(key) if not curve.faint]
        low, high = min((low for low, _ in reaches), default=0.0), max((high for _, high in reaches), default=0.0)
        return (low, high) if low <= high and math.isfinite(high - low) else (0.0, 0.0)

    def beside(self, x: float, right: bool) -> float:
        """Where the chosen metric has its next value from `x` on, to the right or to the left; else `x`."""
        run = self.now if self.chosen in self.now.series else self.earlier
        axis, start = self._axis(run)
        series = run.series.get(self.chosen)
        if series is None or not series.ordered[axis]:
            return x
        along = getattr(series, axis)
        at = bisect_left(along, x + start) if right else bisect_right(along, x + start) - 1
        return float(along[min(max(at, 0), len(series) - 1)]) - start

    def _axis(self, run: Metrics) -> tuple[str, float]:
        """What of a series goes along x, and what is taken from it."""
        return ("steps", 0.0) if self.view.axis == "step" else ("times", run.began if self.view.axis == "time" else 0.0)

    def bands(self, width: int, height: int) -> Iterator[Iterator[tuple[int, list[Row]]]]:
        """Plots beside each other, in bands below each other: (width, rows) of each, made when it is asked for.

        A row can be too wide.
        """
        groups = self.groups(width, height)
        across = self._across(len(groups), width, height)
        down = -(-len(groups) // across)
        for band in range(down):
            tall = (band + 1) * height // down - band * height // down
            beside = groups[band * across : (band + 1) * across]
            wide = [(at + 1) * width // len(beside) - at * width // len(beside) for at in range(len(beside))]
            yield self._band(list(zip(wide, beside, strict=True)), tall)

    def _band(self, plots: Sequence[tuple[int, list[str]]], tall: int) -> Iterator[tuple[int, list[Row]]]:
        for cells, keys in plots:
            yield cells, self._plot(keys, cells, tall)

    def groups(self, width: int, height: int) -> list[list[str]]:
        """The keys of each plot; as many as there is room for, the chosen one among them."""
        if self.alone:
            return [[self.chosen]]
        at = self.shown.index(self.chosen)
        if self.view.together:
            most = max(1, min(len(MARKS), height - 3))
            return [_around(self.shown, at, most)]
        room = max(1, height // LEAST[1]) * max(1, width // LEAST[0])
        return [[key] for key in _around(self.shown, at, room)]

    def _across(self, plots: int, width: int, height: int) -> int:
        """As few beside each other as there is height for."""
        down = max(1, height // LEAST[1])
        return max(1, min(width // LEAST[0], -(-plots // down)))

    def _plot(self, keys: list[str], width: int, height: int) -> list[Row]:
        heads = [self._heading(key, width, named=len(keys) > 1) for key in keys][: max(1, height - 2)]
        left = height - len(heads)
        if left < 2:
            return (heads + [[]] * left)[:height]
        curves = [curve for key in keys for curve in self._curves(key)]
        x = self._x(keys)
        label = partial(self.view.label, span=x.high - x.low)
        plot = Plot(curves, x, label, self.view.unit, self.view.log, self.view.cursor)
        return heads + plot.rows(width - 1, left, GUTTER, below=left >= 4)

    def _x(self, keys: Sequence[str]) -> Scale:
        low, high = self.view.shown or self._extent(keys)
        return Scale(low, high) if low < high else Scale(low, low + 1)

    def _style(self, key: str) -> int:
        return self.shown.index(key) % len(MARKS)

    def _curves(self, key: str) -> list[Curve]:
        """Of this run and of the earlier one; behind a smoothed curve its own values."""
        number, found = self._style(key), []
        for run, marks in ((self.now, MARKS), (self.earlier, EARLIER)):
            series, old = run.series.get(key), run is self.earlier
            if series is None or (old and self.view.axis == "clock"):  # they share no time of the clock
                continue
            axis, start = self._axis(run)
            smoothed = self.smooth(series)
            if smoothed is not None and not old:
                found.append(Curve(series, series.blocks, number + FAINT, "", False, True, axis, start))
            found.append(Curve(series, smoothed or series.blocks, number, marks[number], old, False, axis, start))
        return found[::-1]  # this run's last: it is drawn above

    def _heading(self, key: str, width: int, *, named: bool) -> Row:
        """The metric in words: its last value, or those at the cursor; how far it goes; what is odd about it."""
        number, series = self._style(key), self.now.series.get(key)
        here = number + BOLD if key == self.chosen and (named or len(self.shown) > 1) else number
        head: Row = [(f"{MARKS[number]} ", number), (_shortened(key, max(8, width - 26)), here)]
        head.append((f" {self._value(series, self.now)}", PLAIN))
        old = self.earlier.series.get(key)
        if old is not None:
            head.append((f" {EARLIER[number]} {self._value(old, self.earlier).split(' ~')[0]}", number))
        if series is None:
            return head
        head += [(f" ⚠ {text}", WARN) for text in self._odd(series)]
        ends = f"  {words.number(series.low)} to {words.number(series.high)}" if series.low < series.high else ""
        fits = sum(len(text) for text, _ in head) + len(ends) < width
        return [*head, (ends, TICK)] if fits else head

    def _value(self, series: Series | None, run: Metrics) -> str:
        if series is None:
            return "–"
        at = len(series) - 1
        if self.view.cursor is not None:
            axis, start = self._axis(run)
            at = series.reached(getattr(series, axis), series.ordered[axis], self.view.cursor + start)
            if at < 0:
                return "–"
        smoothed = self.smooth(series)
        text = words.number(series.values[at])
        return f"{text} ~{words.number(smoothed.values[at])}" if smoothed and len(smoothed) > at else text

    def _odd(self, series: Series) -> list[str]:
        said = []
        if not math.isnan(series.odd_since):
            kind = "NaN" if math.isnan(series.last) else "infinite"
            said.append(f"{kind} since step {series.odd_since:,.0f}")
        elif series.odd:
            said.append(f"{words.plural(series.odd, 'value')} not finite")
        if self.view.log and series.not_positive:
            said.append(f"{words.plural(series.not_positive, 'value')} of 0 or less not drawn")
        return said

    def note(self) -> str:
        """What stands in the way of a useful picture, and the key that helps."""
        drawn = [self.now.series[key] for key in self.shown if key in self.now.series]
        if self.view.axis == "step" and any(len(one) > 1 for one in drawn):
            low, high = self.extent()
            if low == high:
                return f"all at step {low:,.0f}: h shows them by time"
        if self.view.axis == "clock" and self.earlier.series:
            return "by the clock without the earlier run"
        return ""


def _around(keys: Sequence[str], at: int, most: int) -> list[str]:
    """At most `most` neighbours, the one at `at` among them."""
    begin = max(0, min(at - most + 1, len(keys) - most))
    return list(keys[begin : begin + most])


def _shortened(key: str, most: int) -> str:
    """Its end: what tells one metric from the next is mostly there."""
    return key if len(key) <= most else "…" + key[len(key) - most + 1 :]


__all__ = ["BOLD", "CURSOR", "EARLIER", "FAINT", "MARKS", "WARN", "Board", "Metrics"]
