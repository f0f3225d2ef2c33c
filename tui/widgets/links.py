"""The path from this computer over the VM to the container, as it is drawn: link by link, with what each took.

Where there is room a link has a line with what was found; else it is a word in one of four lines, one for each stretch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click, Resize
from textual.widgets import Static

from core.checks.reports import changes
from core.data.links import CLIENT, ROWS, VM, Row, row_of
from core.events import CheckFinished
from tui import words

ROOMY = (100, 36)  # columns and lines of the terminal, from which each link has a line of its own
STRETCH = 8  # cells of a stretch's name
WORD = max(len(row.word) for row in ROWS)
TODO = words.Mark("○", "TO DO", "$muted")
Cell = tuple[str, str, str]  # text, style, the link's id or ""


@dataclass
class Found:
    """What was found of each link, by its id. `earlier`: of those that the last try has not reached."""

    links: dict[str, CheckFinished] = field(default_factory=dict)
    earlier: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """What was found stays until it is found anew."""
        self.earlier = set(self.links)

    def add(self, link: CheckFinished) -> None:
        self.links[link.id] = link
        self.earlier.discard(link.id)

    def end(self) -> None:
        for id in self.earlier:
            del self.links[id]
        self.earlier = set()

    @property
    def broken(self) -> CheckFinished | None:
        """The first one that fails, from the VM."""
        return next((link for link in self._from_vm() if link.status == "fail"), None)

    @property
    def warned(self) -> list[CheckFinished]:
        return [link for link in self._from_vm() if link.status in ("warn", "unknown")]

    def _from_vm(self) -> list[CheckFinished]:
        return [self.links[VM + row.id] for row in ROWS if VM + row.id in self.links]


def word(link: CheckFinished) -> str:
    """In few words, which link it is."""
    here = "from here, " if link.id.startswith(CLIENT) else ""
    return here + row_of(link.id).word


class LinkPath(Vertical):
    """The drawing, and below it what is known of the selected link, whole."""

    DEFAULT_CSS = "LinkPath { height: auto; }"

    def __init__(self, *, id: str, vm: str) -> None:
        super().__init__(id=id)
        self.vm = vm
        self.found = Found()
        self.going = False
        self.selected = ""
        self.cells: list[list[Cell]] = []

    def compose(self) -> ComposeResult:
        yield Static(id="links")
        yield Static(id="broken")

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self, _: Resize) -> None:
        self.draw()

    # What happens to it.

    def begin(self) -> None:
        self.found.begin()
        self.going, self.selected = True, ""
        self.draw()

    def add(self, link: CheckFinished) -> None:
        self.found.add(link)
        if link.status == "fail" and not self.selected:
            self.selected = link.id
        self.draw()

    def end(self, *, whole: bool) -> None:
        """`whole`: every link was tried; else what was found before stays beside what was found now."""
        self.going = False
        if whole:
            self.found.end()
        told = self.found.broken or next(iter(self.found.warned), None)
        self.selected = told.id if told is not None else VM + ROWS[-1].id if whole else ""
        self.draw()

    def move(self, by: int) -> bool:
        """The next link that was tried; False where there is none."""
        ids = [id for id in _ids() if id in self.found.links]
        if not ids:
            return False
        at = ids.index(self.selected) + by if self.selected in ids else 0
        self.selected = ids[max(0, min(at, len(ids) - 1))]
        self.draw()
        return True

    def on_click(self, event: Click) -> None:
        if event.widget is None or event.widget.id != "links" or event.y >= len(self.cells):
            return
        left = 0
        for text, _, id in self.cells[event.y]:
            left += Content(text).cell_length
            if event.x < left:
                if id in self.found.links:
                    self.selected = id
                    self.draw()
                return

    # How it looks.

    def draw(self) -> None:
        if not self.is_mounted:
            return
        width, height = self.app.size
        roomy = width >= ROOMY[0] and height >= ROOMY[1]
        self.cells = [self._start(), *(self._lines() if roomy else self._stretches()), self._from_here()]
        lines = [Content.assemble(*((text, self._style(style, id)) for text, style, id in line)) for line in self.cells]
        self.query_one("#links", Static).update(Content("\n").join(lines))
        self.query_one("#broken", Static).update(self._told(roomy))

    def _style(self, style: str, id: str) -> str:
        if id in self.found.earlier:
            style = "$muted"
        return f"{style} reverse".strip() if id and id == self.selected else style

    def _start(self) -> list[Cell]:
        return [
            ("◆ ", "$text-accent", ""),
            ("this computer", "", ""),
            (" ━━ SSH ━━ ", "$muted", ""),
            ("◆ ", "$text-accent", ""),
            (f"VM {self.vm}", "bold", ""),
        ]

    def _end(self) -> list[Cell]:
        holds = len(self.found.links) > 1 and not self.going and self.found.broken is None and not self.found.earlier
        style = "$text-accent" if holds else "$muted"
        return [("◆ " if holds else "◇ ", style, ""), ("the container", "bold" if holds else "$muted", "")]

    def _cable(self, id: str) -> Cell:
        """What leads to a link."""
        link = self.found.links.get(id)
        tried = link is not None and link.status not in ("skipped", "fail") and id not in self.found.earlier
        return ("┃ " if tried else "╎ ", words.STATUS[link.status].style if link and tried else "$muted", "")

    def _lines(self) -> list[list[Cell]]:
        lines = []
        for row in ROWS:
            id = VM + row.id
            link = self.found.links.get(id)
            mark = words.STATUS[link.status] if link else TODO
            took = _took(link)
            head: Cell = (f"{mark!s:<9}  {row.word:<{WORD}}", mark.style, id)
            told = "" if link is None else link.evidence if changes.made(link) else "not tried"
            lines.append([self._cable(id), head, (f"  {took:>7}  ", "", ""), (told, "$muted", "")])
        return [*lines, self._end()]

    def _stretches(self) -> list[list[Cell]]:
        lines = []
        for stretch, rows in groupby(ROWS, key=lambda row: row.stretch):
            chosen = list(rows)
            last = stretch == ROWS[-1].stretch
            corner: Cell = ("┗ " if last else "┣ ", "$muted", "")
            head = [corner, (f"{stretch:<{STRETCH}}", "$muted", "")]
            lines.append([*head, *self._fitting(chosen, VM, _length(head), ends=last)])
        return lines

    def _from_here(self) -> list[Cell]:
        rows = [row for row in ROWS if row.outside]
        head: list[Cell] = [("◆ ", "$text-accent", ""), ("from here", "$muted", ""), ("  ", "", "")]
        return [*head, *self._fitting(rows, CLIENT, _length(head))]

    def _fitting(self, rows: list[Row], side: str, left: int, *, ends: bool = False) -> list[Cell]:
        """The most that a line has room for: with the times, closer together, without them."""
        width = (self.size.width or self.app.size.width) - left
        forms = ((" ", True), ("", True), (" ", False))
        chains = (self._chain(rows, side, space, ends=ends, timed=timed) for space, timed in forms)
        chain: list[Cell] = []
        for chain in chains:
            if _length(chain) <= width:
                break
        return chain

    def _chain(self, rows: list[Row], side: str, space: str, *, ends: bool, timed: bool) -> list[Cell]:
        cells: list[Cell] = []
        for row in rows:
            cells += [self._joint(side + row.id, space)] if cells else []
            cells.append(self._chip(row, side + row.id, timed=timed))
        return [*cells, self._joint(side + rows[-1].id, space), *self._end()] if ends else cells

    def _joint(self, id: str, space: str) -> Cell:
        link = self.found.links.get(id)
        cable = "━" if link is not None and link.status != "skipped" else "╌"
        return (f"{space}{cable} ", "$muted", "")

    def _chip(self, row: Row, id: str, *, timed: bool) -> Cell:
        """A word for what is as it should be would only hide the one that is not."""
        link = self.found.links.get(id)
        mark = words.STATUS[link.status] if link else TODO
        shown = str(mark) if link and link.status in ("fail", "warn", "unknown") else mark.glyph
        took = f" {_took(link)}" if timed and _took(link) else ""
        return (f"{shown} {row.word}{took}", mark.style, id)

    def _told(self, roomy: bool) -> Content:
        link = self.found.links.get(self.selected)
        if link is None:
            return Content("")
        mark = words.STATUS[link.status]
        before = "  (seen before; the last try did not come so far)" if link.id in self.found.earlier else ""
        took = f"  ({_took(link)})" if _took(link) else ""
        parts = [(f"{mark} ", mark.style), (f"{word(link)}: ", "bold"), (link.evidence, ""), (took + before, "$muted")]
        if link.fix:
            parts.append((f"\n→ {link.fix}", ""))
        if roomy:
            parts.append((f"\n  {link.title}. Expected: {link.expected}", "$muted"))
        return Content.assemble(*parts)


def _took(link: CheckFinished | None) -> str:
    """Nothing where nothing was waited for."""
    took = link.duration_s if link is not None else None
    return words.duration(took) if took is not None and took >= 0.00005 else ""


def _ids() -> list[str]:
    return [*(VM + row.id for row in ROWS), *(CLIENT + row.id for row in ROWS if row.outside)]


def _length(cells: list[Cell]) -> int:
    return sum(Content(text).cell_length for text, _, _ in cells)
