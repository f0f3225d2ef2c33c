"""The versions of the data that are staged on the VM, and stagings that did not end: a cursor, marks, their sizes."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from core import events
from tui import staged, words
from tui.staged import Item
from tui.text import printable

from .lines import fit
from .table import MARK, Table

# title -> (cells, cells from which the table has it; the path takes what is left)
COLUMNS = (
    ("DIGEST", 8, 70), ("FILES", 8, 106), ("SIZE", 7, 0), ("FREES", 7, 116), ("STAGED", 10, 90), ("USED", 10, 0),
)  # fmt: skip
STATE = 20  # cells


def name_of(item: Item) -> str:
    """By which the VM knows it."""
    return item.digest if isinstance(item, events.StagedData) else item.name


def state(item: Item) -> tuple[str, str]:
    """(glyph and word, colour) of what keeps it, or of how far it is."""
    if isinstance(item, events.PartialData):
        return ("● going", "$text-accent") if item.going else ("◌ unfinished", "$text-warning")
    if item.broken:
        return "✗ no manifest", "$text-error"
    held = staged.holders(item)
    return (f"● {held}", "$text-accent") if held else ("– not needed", "$muted")


class StagedTable(Table):
    """Posts `Asked` for what a key wants done with what is meant, `Moved` when the cursor or a mark changed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"staged-table--head", "staged-table--cursor", "staged-table--marked"}
    STYLE = "staged-table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "tell", "Tell more", show=False, id="staged.tell"),
        Binding("down,j", "move(1)", "Down", show=False, id="staged.down"),
        Binding("up,k", "move(-1)", "Up", show=False, id="staged.up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="staged.page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="staged.page_up"),
        Binding("home,g", "end(-1)", "First version", show=False, id="staged.first"),
        Binding("end,G,shift+g", "end(1)", "Last version", show=False, id="staged.last"),
        Binding("space", "mark", "Mark", key_display="space", id="staged.mark"),
        Binding("x", "ask('evict')", "Evict", id="staged.evict"),
        Binding("p", "ask('purge')", "Purge", id="staged.purge"),
    ]

    class Moved(Message):
        """`tell`: somebody wants to know more of it."""

        def __init__(self, tell: bool) -> None:
            super().__init__()
            self.tell = tell

    class Asked(Message):
        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.items: list[Item] = []

    # What is shown.

    def count(self) -> int:
        return len(self.items)

    @property
    def current(self) -> Item | None:
        return self.items[self.at] if self.at < len(self.items) else None

    def meant(self) -> list[Item]:
        """The marked ones, else the one under the cursor."""
        marked = [item for item in self.items if name_of(item) in self.marked]
        return marked or ([self.current] if self.current is not None else [])

    def tell(self, items: list[Item]) -> None:
        """The cursor stays on its version, or where it was if that has gone."""
        here = name_of(self.current) if self.current is not None else ""
        names = [name_of(item) for item in items]
        self.items = items
        self.marked = [name for name in self.marked if name in names]
        self.at = names.index(here) if here in names else max(0, min(self.at, len(items) - 1))
        self.changed()

    def line(self, number: int, width: int) -> Content:
        places = [(title, room) for title, room, least in COLUMNS if width >= least]
        path = max(8, width - MARK - STATE - sum(room + 2 for _, room in places) - 2)
        if number < 0:
            heads = [("PATH", path), *places, ("NEEDED BY", STATE)]
            return Content("  " + "  ".join(fit(title, room, right=_is_number(title)) for title, room in heads))
        item = self.items[number]
        cells = [fit(printable(staged.path(item)), path)]
        cells += [fit(_cell(title, item), room, right=_is_number(title)) for title, room in places]
        said, style = state(item)
        mark = "● " if name_of(item) in self.marked else "  "
        quiet = "" if number == self.at and style == "$muted" else style  # it could not be read on the cursor's colour
        return Content.assemble(
            (mark, "bold $text-accent"), "  ".join(cells) + "  ", (fit(printable(said), STATE), quiet)
        )

    def name_at(self, number: int) -> str:
        return name_of(self.items[number])

    # Marking, asking.

    def action_mark(self) -> None:
        if self.current is None:
            self.notify("Nothing is staged that could be marked", timeout=4, markup=False)
            return
        self.toggle(name_of(self.current))
        self.post_message(self.Moved(tell=False))

    def action_tell(self) -> None:
        self.post_message(self.Moved(tell=True))

    def action_ask(self, what: str) -> None:
        self.post_message(self.Asked(what))

    def on_click(self, event: Click) -> None:
        self.clicked(event)


def _is_number(title: str) -> bool:
    return title in ("FILES", "SIZE", "FREES")


def _cell(title: str, item: Item) -> str:
    if isinstance(item, events.PartialData):
        since = staged.moment(item.since)[:10]
        return {"SIZE": words.size(item.bytes), "FREES": words.size(item.bytes), "STAGED": since}.get(title, "")
    used = item.staged if item.used is None else item.used
    return {
        "DIGEST": item.digest[:8],
        "FILES": f"{item.files:,}",
        "SIZE": words.size(item.bytes),
        "FREES": "" if item.alone is None else words.size(item.alone),
        "STAGED": staged.moment(item.staged)[:10],
        "USED": staged.moment(used)[:10],
    }[title]


class StagedBox(Vertical):
    """The table below one line that sums it up; not seen before the VM has told what is there."""

    def compose(self) -> ComposeResult:
        yield Static(id="staged-sum")
        yield StagedTable(id="staged-table")

    def on_mount(self) -> None:
        self.sum = Content()
        self.display = False

    def tell(self, listed: events.DataListed, vm: str) -> None:
        total = words.size(sum(item.bytes for item in listed.items) + sum(item.bytes for item in listed.partial))
        free = "" if listed.disk_free is None else f", {words.size(listed.disk_free)} free"
        what = f"{words.plural(len(listed.items), 'version')}, {total}{free}" if listed.items else f"nothing{free}"
        self.sum = Content.assemble((f"Staged on {vm}: ", "bold"), what)
        self.query_one(StagedTable).tell([*listed.items, *listed.partial])
        self.display = True
        self.hint(here=self.query_one(StagedTable).has_focus)

    def hint(self, *, here: bool) -> None:
        """How to get there, or back."""
        more = "   esc goes back" if here else "   l goes there"
        self.query_one("#staged-sum", Static).update(Content.assemble(self.sum, (more, "$muted")))
