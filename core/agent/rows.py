"""One row of a staged CSV, picked by its number. Nothing of it is ever part of a message."""

from __future__ import annotations

import csv
import math
import os
from typing import Any, NamedTuple, Optional

from . import data
from .faults import Fault

Cell = Any  # int, float, str, or None where the cell is empty


class Row(NamedTuple):
    columns: list[str]
    cells: list[Cell]
    expected: Optional[str]  # the target's text, None where no target was asked for


def find(root: str, digest: str, file: str) -> str:
    """The CSV `file` of the staged data; "" where it is the only one. Raises Fault."""
    base = os.path.realpath(data.take(root, digest))
    if not file:
        names = [os.path.join(base, name) for name in os.listdir(base)]
        if len(names) == 1 and os.path.isfile(names[0]):
            return names[0]
        raise Fault("usage", "the staged data has %d entries" % len(names), "say which CSV file is meant")
    path = os.path.realpath(os.path.join(base, file))
    if not path.startswith(base + os.sep) or not os.path.isfile(path):
        raise Fault("data", "the staged data has no file %r" % file, "trainshed data list")
    return path


def pick(path: str, number: int, target: Optional[str]) -> Row:
    """Row `number`, the first below the header being 0, without the column `target`. Raises Fault."""
    name = os.path.basename(path)
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        lines = csv.reader(file)
        try:
            header = next(lines, [])
            place = _column(header, target, name)
            cells = _row(lines, number, name)
        except csv.Error as error:
            raise Fault("data", "%s is not a CSV file that can be read (%s)" % (name, error)) from None
    if len(cells) != len(header):
        raise Fault("data", "row %d of %s has %d cells, its header %d" % (number, name, len(cells), len(header)))
    kept = [index for index in range(len(header)) if index != place]
    expected = None if place is None else cells[place]
    return Row([header[index] for index in kept], [cell(cells[index]) for index in kept], expected)


def _column(header: list[str], target: Optional[str], name: str) -> Optional[int]:
    if not target:
        return None
    if target not in header:
        shown = ", ".join(header[:8]) + (" …" if len(header) > 8 else "")
        raise Fault("usage", "%s has no column %r" % (name, target), "its columns: %s" % shown)
    return header.index(target)


def _row(lines: Any, number: int, name: str) -> list[str]:
    count = 0
    for cells in lines:
        if not cells:
            continue  # a blank line is no row
        if count == number:
            found: list[str] = cells
            return found
        count += 1
    raise Fault("usage", "%s has no row %d: it has %d rows" % (name, number, count), "rows are counted from 0")


def cell(text: str) -> Cell:
    """A number where the text is one; None where it is empty."""
    text = text.strip()
    for kind in () if "_" in text else (int, float):  # Python alone takes 1_000 for a number
        try:
            value = kind(text)
        except ValueError:
            continue
        return value if math.isfinite(value) else None
    return text or None


def same(prediction: Any, expected: Optional[str]) -> Optional[bool]:
    """Whether a class was predicted right; None where there is nothing to compare, or it is a measurement."""
    if expected is None or isinstance(prediction, (list, dict)) or prediction is None:
        return None
    wanted = cell(expected)
    if isinstance(wanted, (int, float)) and isinstance(prediction, (int, float)):
        if not float(wanted).is_integer() or not float(prediction).is_integer():
            return None
        return float(wanted) == float(prediction)
    return str(prediction) == expected.strip()
