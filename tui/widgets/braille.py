"""Curves in braille: a cell has 2×4 dots, and where curves meet in a cell it has the dots of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

LEFT, RIGHT = (0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80)  # dots from the top (Unicode 16.0, section 21.1)
DASH, GAP = 4, 3  # dots
MARK_EVERY = 24  # cells from one mark of a curve to the next


def _masks(dots: Sequence[int]) -> list[list[int]]:
    """[top][bottom] of one column of dots of a cell -> its bits."""
    return [[sum(dots[top : bottom + 1]) for bottom in range(4)] for top in range(4)]


BRAILLE = [" ", *(chr(0x2800 + dots) for dots in range(1, 256))]
MASKS = (_masks(LEFT), _masks(RIGHT))
Span = tuple[float, float, float, float]  # x from and to, y from and to: in dots, from the left and from the bottom
Cell = tuple[str, int]  # a character, and the number of its curve; -1 for nothing


@dataclass(frozen=True)
class Line:
    """What to draw: `spans[column of dots]` = (lowest, highest dot), both from the bottom."""

    spans: dict[int, tuple[int, int]]
    curve: int
    mark: str = ""
    dashed: bool = False
    faint: bool = False  # gives way to every other line


def spans(points: Iterable[Span], width: int, height: int) -> dict[int, tuple[int, int]]:
    """`points` by rising x. Each column of dots that the line through them crosses gets its lowest and its highest dot.

    What lies in one column becomes one span, so that no peak is lost; what is outside of the area is cut off.
    `width`, `height`: dots.
    """
    found: dict[int, tuple[int, int]] = {}
    here: tuple[int, float, float] | None = None  # the column that is being filled: its number, lowest, highest
    end = (0.0, 0.0)  # of the line so far: x, y
    for x0, x1, low, high in points:
        column = int(x0 + 0.5)
        if here is None:
            here = (column, low, high)
        elif column == here[0]:
            here = (column, low if low < here[1] else here[1], high if high > here[2] else here[2])
        else:
            _keep(found, here, width, height)
            if column > here[0] + 1:
                _between(found, end, (x0, (low + high) / 2), width, height)
                here = (column, low, high)
            else:  # neighbours touch
                here = (column, min(low, here[2]), max(high, here[1]))
        last = min(int(x1 + 0.5), width)
        if last > column:
            _keep(found, here, width, height)
            for passed in range(max(0, column + 1), last):
                _keep(found, (passed, low, high), width, height)
            here = (last, low, high)
        end = (x1, (low + high) / 2)
    if here is not None:
        _keep(found, here, width, height)
    return found


def _between(
    found: dict[int, tuple[int, int]], one: tuple[float, float], other: tuple[float, float], width: int, height: int
) -> None:
    """The straight line between two points that are more than a column of dots apart."""
    (x0, y0), (x1, y1) = one, other
    slope = (y1 - y0) / (x1 - x0)
    for column in range(max(0, int(x0 + 0.5)), min(width - 1, int(x1 + 0.5)) + 1):
        begin, end = max(x0, column - 0.5), min(x1, column + 0.5)
        ends = y0 + (begin - x0) * slope, y0 + (end - x0) * slope
        _keep(found, (column, min(ends), max(ends)), width, height)


def _keep(found: dict[int, tuple[int, int]], span: tuple[int, float, float], width: int, height: int) -> None:
    column, low, high = span
    bottom, top = max(0, round(low)), min(height - 1, round(high))
    if not 0 <= column < width or bottom > top:
        return
    known = found.get(column)
    found[column] = (bottom, top) if known is None else (min(known[0], bottom), max(known[1], top))


def cells(lines: Sequence[Line], columns: int, rows: int) -> list[list[Cell]]:
    """The area from its top row. A later line is above an earlier one; a faint one has no dots where another comes."""
    bits, owner = [[0] * columns for _ in range(rows)], [[-1] * columns for _ in range(rows)]
    faint = {line.curve for line in lines if line.faint}
    for line in sorted(lines, key=lambda line: not line.faint):
        _ink(line, bits, owner, rows, frozenset() if line.faint else faint)
    area = [[(BRAILLE[dots], whose) for dots, whose in zip(*row, strict=True)] for row in zip(bits, owner, strict=True)]
    for line in lines:
        _mark(line, area, rows)
    return area


def _ink(line: Line, bits: list[list[int]], owner: list[list[int]], rows: int, faint: Set[int]) -> None:
    """`faint`: lines whose dots go where this one comes."""
    bottommost, curve = rows * 4 - 1, line.curve
    for column, (bottom, top) in line.spans.items():
        if line.dashed and column % (DASH + GAP) >= DASH:
            continue
        masks, x = MASKS[column & 1], column >> 1
        high, low = bottommost - top, bottommost - bottom
        first, last = high >> 2, low >> 2
        for y in range(first, last + 1):
            mask = masks[high & 3 if y == first else 0][low & 3 if y == last else 3]
            bits[y][x] = mask if owner[y][x] in faint else bits[y][x] | mask
            owner[y][x] = curve


def _mark(line: Line, area: list[list[Cell]], rows: int) -> None:
    """The curve's own sign on it, now and then and at its end: it differs from others without colour."""
    if not line.mark or not line.spans:
        return
    every, end = MARK_EVERY * 2, max(line.spans)
    for column in (*range((line.curve * 10) % every, end - every // 2, every), end):
        if column in line.spans:
            bottom, top = line.spans[column]
            area[(rows * 4 - 1 - (bottom + top) // 2) // 4][column // 2] = (line.mark, line.curve)
