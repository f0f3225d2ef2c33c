"""The head of Watch: which run is open, how it is, and what stands in the way of seeing it."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from tui import words
from tui.text import printable
from tui.watched import Watched

from .lines import fit

ASKING = words.Mark("…", "asking", "$muted")
GONE = words.Mark("?", "gone", "$text-error")
LEAST = 14  # cells of a name
Parts = list[tuple[str, str]]


def mark(seen: Watched) -> words.Mark:
    if seen.gone:
        return GONE
    if seen.state == "created" and seen.ahead is not None:
        return words.Mark(words.RUN["created"].glyph, "queued", words.RUN["created"].style)
    return words.RUN[seen.state] if seen.state is not None else ASKING


class RunHead(Static):
    """One line; another one where there is something to know."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.seen, self.again = Watched(), ""

    def tell(self, seen: Watched, again: str) -> None:
        """`again`: the key that follows the run again."""
        self.seen, self.again = seen, again
        self.on_resize()

    def on_resize(self) -> None:
        seen, width = self.seen, self.size.width or 78
        self.update(Content.assemble(*_line(seen, width), *_notes(seen, self.again)) if seen.run else "")


def _line(seen: Watched, width: int) -> Parts:
    shown = mark(seen)
    parts: Parts = [(f"{shown} ", shown.style), (f" {words.short(seen.run)}", "bold")]
    parts += [(f"  {_place(seen.ahead)}", "")] if shown.word == "queued" and seen.ahead is not None else []
    took = seen.began is not None and seen.ended is not None
    parts += [(f"  took {words.duration(seen.ended - seen.began)}", "")] if took else []  # type: ignore[operator]
    room = width - sum(cell_len(text) for text, _ in parts)
    params = printable(", ".join(f"{name}={value}" for name, value in seen.params.items()))
    called = _called(seen, room - 2)
    room -= cell_len(called) + 2 if called else 0
    parts.insert(2, (f"  {called}" if called else "", ""))
    return [*parts, (f"  {fit(params, room - 2).rstrip()}" if params and room > LEAST else "", "$muted")]


def _called(seen: Watched, room: int) -> str:
    """Its name and its experiment, of which each is cut where both have no room; the name gets more."""
    if not seen.name or room < LEAST:
        return ""
    beside = f" · {seen.experiment}" if seen.experiment else ""
    if cell_len(seen.name) + cell_len(beside) > room:
        beside = fit(beside, max(LEAST, room - cell_len(seen.name), room // 3)).rstrip() if room >= 2 * LEAST else ""
    return fit(seen.name, min(cell_len(seen.name), room - cell_len(beside))).rstrip() + beside


def _place(ahead: int) -> str:
    return f"{words.plural(ahead, 'run')} before it" if ahead else "its turn is next"


def _notes(seen: Watched, again: str) -> Parts:
    if seen.gone:
        what = "what was read of it is below" if seen.read or seen.metrics else "nothing was read of it"
        return [(f"\n⚠ The VM has no such run any more: it was deleted, and {what}.", "$text-warning")]
    if seen.left is not None:
        return [(f"\n⚠ not followed since {words.clock(seen.left)}; {again} follows it again", "$text-warning")]
    if seen.silent:
        return [("\nThe run has ended. It printed nothing and logged no metric.", "")]
    return []
