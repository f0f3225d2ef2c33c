"""One plot in characters: curves in braille, numbers beside and below them, a line where somebody reads off.

Own drawing rather than textual-plot 0.10.1, which was measured first (Python 3.11, processor time, 240 points a
curve): a frame of 120×36 cells takes it 13 ms for one curve, 22 ms for four and 29 ms for eight, before Textual puts
it on the screen; its import (numpy) stops the screen for 0.1 s; where two curves cross, a cell shows the last one; it
has no dashes. `python -m tests.bench metrics` measures this one.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tui import words

from . import braille
from .series import Blocks, Item, Series

AXIS, TICK, CURSOR, PLAIN = -2, -3, -4, -1  # styles besides those of curves, which count from 0
Row = list[tuple[str, int]]  # texts with their styles
ROUNDING = 1e-13  # smoothing a constant leaves that much: tensorboard issue 786
LARGEST = sys.float_info.max
SPREAD = 8  # points for each column of dots, at most


@dataclass(frozen=True)
class Curve:
    """`blocks`: what is drawn of the series, its own values or smoothed ones. `style` counts from 0."""

    series: Series
    blocks: Blocks
    style: int
    mark: str = ""
    dashed: bool = False
    faint: bool = False
    axis: str = "steps"  # or "times"
    start: float = 0.0  # is taken from the axis

    @property
    def along(self) -> Sequence[float]:
        found: Sequence[float] = getattr(self.series, self.axis)
        return found

    @property
    def ordered(self) -> bool:
        return self.series.ordered[self.axis]

    def reach(self) -> tuple[float, float]:
        """(least, greatest) x; (inf, -inf) where there is nothing."""
        along = self.along
        if not along:
            return math.inf, -math.inf
        ends = (along[0], along[-1]) if self.ordered else (min(along), max(along))
        return ends[0] - self.start, ends[1] - self.start

    def items(self, low: float, high: float, most: int) -> list[Item]:
        """What there is from `low` to `high`, by rising x."""
        begin, end = self.series.between(self.along, self.ordered, low + self.start, high + self.start)
        found = list(self.blocks.items(begin, end, most))
        if not self.ordered:
            found.sort(key=lambda item: self.along[item.first])
        return found


@dataclass(frozen=True)
class Scale:
    """Values of one axis to parts of it, 0 to 1; halves where the largest floats would overflow."""

    low: float
    high: float
    log: bool = False

    def part(self, value: float) -> float:
        return self.line(1)(value)

    def line(self, long: int, start: float = 0.0) -> Callable[[float], float]:
        """From a value, less `start`, to its place on a line that is `long`."""
        low, high, log10 = self._even(self.low), self._even(self.high), math.log10
        span = (high / 2 - low / 2) / long * 2 if high / 2 - low / 2 > 0 else 0.0
        if not span:
            return lambda _value: long / 2  # floats have no value between the two
        if self.log:
            return lambda value: (log10(value) - low) / span
        if math.isinf(high - low):
            return lambda value: (value / 2 - low / 2) / (span / 2)
        low += start
        return lambda value: (value - low) / span

    def at(self, part: float) -> float:
        if part in (0.0, 1.0):
            return self.high if part else self.low
        value = self._even(self.low) * (1 - part) + self._even(self.high) * part
        return math.pow(10.0, value) if self.log else value

    def _even(self, value: float) -> float:
        return math.log10(value) if self.log else value


def scale(items: Sequence[Item], *, log: bool) -> Scale | None:
    """From the least to the greatest value, with room around where they are one; None where nothing can be drawn."""
    low = min((item.positive if log else item.low for item in items), default=math.inf)
    high = max((item.high for item in items), default=-math.inf)
    if low > high:
        return None
    if high / 2 - low / 2 <= ROUNDING * max(abs(low), abs(high)):
        room = abs(low) * 0.05 or 1.0  # more below than above: in the middle between two dots a line would waver
        low = low / 1.2 or low if log else max(low - room * 1.2, -LARGEST)
        high = min(high * 1.1 if log else high + room, LARGEST)
    return Scale(low, high, log)


@dataclass(frozen=True)
class Plot:
    """`x`: what is shown of the x axis. `label` writes a value of it, `unit` is said once.

    `cursor`: where somebody reads off.
    """

    curves: Sequence[Curve]
    x: Scale
    label: Callable[[float], str]
    unit: str = ""
    log: bool = False
    cursor: float | None = None

    def rows(self, width: int, height: int, gutter: int, *, below: bool) -> list[Row]:
        """`height` rows of `width` cells. `gutter`: cells for the numbers of y; `below`: those of x at the foot."""
        columns, tall = width - gutter - 1, height - below
        most = max(8, columns * 2 * SPREAD)
        found = [(curve, curve.items(self.x.low, self.x.high, most)) for curve in self.curves]
        y = scale([item for _, items in found for item in items], log=self.log)
        lines = [self._line(curve, items, y, columns, tall) for curve, items in found] if y is not None else []
        area = braille.cells(lines, columns, tall)
        self._cross(area, columns)
        rows = [
            [(text, TICK), ("│", AXIS), *_runs(cells)]
            for text, cells in zip(_ticks(y, tall, gutter), area, strict=True)
        ]
        if y is None and tall:
            rows[tall // 2] = [(" " * gutter, TICK), ("│", AXIS), (self._nothing()[:columns].ljust(columns), TICK)]
        return rows + ([self._foot(gutter + 1, columns)] if below else [])

    def _nothing(self) -> str:
        if any(len(curve.series) for curve in self.curves):
            return " no value above 0 here" if self.log else " no finite value here"
        return " no value yet"

    def _line(self, curve: Curve, items: Sequence[Item], y: Scale, columns: int, tall: int) -> braille.Line:
        wide, high = columns * 2 - 1, tall * 4 - 1
        spans = braille.spans(self._spans(curve, items, y, wide, high), columns * 2, tall * 4)
        return braille.Line(spans, curve.style, curve.mark, curve.dashed, curve.faint)

    def _spans(self, curve: Curve, items: Sequence[Item], y: Scale, wide: int, high: int) -> Iterator[braille.Span]:
        along, log = curve.along, self.log
        across, up = self.x.line(wide, curve.start), y.line(high)
        for first, last, low, top, positive in items:
            low = positive if log else low
            if low <= top:
                begin = across(along[first])
                bottom = up(low)
                yield begin, begin if first == last else across(along[last]), bottom, bottom if low == top else up(top)

    def _cross(self, area: list[list[braille.Cell]], columns: int) -> None:
        if self.cursor is None or not self.x.low <= self.cursor <= self.x.high:
            return
        column = round(self.x.part(self.cursor) * (columns * 2 - 1)) // 2
        for row in area:
            if row[column][0] == " ":
                row[column] = ("│", CURSOR)

    def _foot(self, gutter: int, columns: int) -> Row:
        left, middle, right = (self.label(self.x.at(part)) for part in (0.0, 0.5, 1.0))
        left = f"{self.unit} {left}" if self.unit else left
        middle = middle if len(left) + len(middle) + len(right) + 8 < columns else ""
        free = columns - len(left) - len(right)
        return [(" " * gutter + left + middle.center(max(1, free)) + right, TICK)]


def _ticks(y: Scale | None, tall: int, gutter: int) -> list[str]:
    """The numbers beside the rows: at both ends, and in the middle where there is room."""
    if y is None or tall < 1:
        return [" " * gutter] * tall
    at = {0: 1.0, tall - 1: 0.0}
    if tall >= 7:
        at[tall // 2] = 1 - (tall // 2) / (tall - 1)
    texts = {row: _fitting(y.at(part), gutter) for row, part in at.items()}
    return [texts.get(row, "").rjust(gutter) for row in range(tall)]


def _fitting(value: float, cells: int) -> str:
    """With as many digits as there is room for: one cut off would be another number."""
    texts = [words.number(value), *(f"{value:.{digits}g}" for digits in (3, 2, 1))]
    return next((text for text in texts if len(text) <= cells), "")


def _runs(cells: Sequence[braille.Cell]) -> Iterator[tuple[str, int]]:
    """Neighbours of one style as one text."""
    text, style = "", PLAIN
    for char, whose in cells:
        if whose != style and text:
            yield text, style
            text = ""
        text, style = text + char, whose
    yield text, style
