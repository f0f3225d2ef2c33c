"""What two runs have in common and what not, as lines of text that both front ends show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from core.events import ComparedCode, ComparedFile, ComparedNumber, ComparedText, RunsCompared

from .words import duration, number, plural, size

CHANGES = {"changed": ("~", "changed"), "added": ("+", "only in B"), "removed": ("-", "only in A")}
DIGEST = 12  # letters of one that are shown
NONE = "–"  # that run has no such value


class Line(NamedTuple):
    group: str
    name: str
    a: str
    b: str
    difference: str
    same: bool


def lines(event: RunsCompared) -> list[Line]:
    """Metrics first, then what may explain them."""
    metrics = [_number(value) for value in event.numbers if value.group == "metric"]
    taken = [_number(value) for value in event.numbers if value.group == "resource"]
    texts = [
        Line(value.group, value.name, *_sides(value), "" if value.a == value.b else "differs", value.a == value.b)
        for value in event.texts
    ]
    return [*metrics, *texts, *taken]


def _sides(value: ComparedText) -> tuple[str, str]:
    length = DIGEST if value.group == "data" or value.name in ("code", "environment") else None
    a, b = (NONE if side is None else side[:length] for side in (value.a, value.b))
    return a, b


def _number(value: ComparedNumber) -> Line:
    a, b = (_written(side, value.unit) for side in (value.a, value.b))
    same = repr(value.a) == repr(value.b)  # a NaN is the same as another
    return Line(value.group, value.name, a, b, "" if same else _difference(value), same)


def _written(value: float | None, unit: str) -> str:
    if value is None:
        return NONE
    return {"s": duration, "bytes": size}.get(unit, number)(value)


def _difference(value: ComparedNumber) -> str:
    if value.difference is None:
        return "differs"
    sign = "-" if value.difference < 0 else "+"
    return sign + _written(abs(value.difference), value.unit)


def changed(file: ComparedFile) -> str:
    """`~ changed  train.py  812 B, 840 B`, and why no diff of it is shown."""
    glyph, word = CHANGES[file.change]
    sizes = ", ".join(size(count) for count in (file.bytes_a, file.bytes_b) if count is not None)
    return f"{glyph} {word:<9}  {file.path}  {sizes}" + (f"  ({file.note})" if file.note else "")


def code(found: ComparedCode) -> str:
    """What is to be said of the code in one line."""
    if found.same is None:
        return f"The code could not be compared: {found.note}"
    if found.same:
        return found.note or "The code is the same"
    verb = "differs" if len(found.files) == 1 else "differ"
    return f"{plural(len(found.files), 'file')} of the code {verb}" + (f"; {found.note}" if found.note else "")


def around(a: str, b: str, width: int) -> tuple[str, str]:
    """Both in `width` characters: what does not fit is cut so that the first difference is seen."""
    longest = max(len(a), len(b))
    same = next((at for at, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b)))
    start = 0 if a == b else max(0, min(same - width // 3, longest - width))
    return _part(a, start, width), _part(b, start, width)


def _part(text: str, start: int, width: int) -> str:
    shown = text if start == 0 else "…" + text[start + 1 :]
    return shown if len(shown) <= width else shown[: width - 1] + "…"


def differing(found: Iterable[Line]) -> list[Line]:
    return [line for line in found if not line.same]
