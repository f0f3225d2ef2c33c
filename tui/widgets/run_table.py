"""The table of runs: a cursor that stays on its run whatever the VM says next, and marks."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message

from core.events import RunInfo
from tui import words
from tui.run_list import COLUMNS, Column, Row, RunList, columns, text
from tui.text import harmless, printable

from .lines import fit
from .table import MARK, Table


class RunTable(Table):
    """Posts `Chosen` for the run that is to be opened, `Moved` when the cursor, a mark or the order changed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"run-table--head", "run-table--cursor", "run-table--marked"}
    STYLE = "run-table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open", id="run_table.choose"),
        Binding("down,j", "move(1)", "Down", show=False, id="run_table.down"),
        Binding("up,k", "move(-1)", "Up", show=False, id="run_table.up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="run_table.page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="run_table.page_up"),
        Binding("home,g", "end(-1)", "First run", show=False, id="run_table.first_run"),
        Binding("end,G,shift+g", "end(1)", "Last run", show=False, id="run_table.last_run"),
        Binding("space", "mark", "Mark", key_display="space", id="run_table.mark"),
    ]

    class Chosen(Message):
        def __init__(self, run: str) -> None:
            super().__init__()
            self.run = run

    class Moved(Message):
        pass

    def __init__(self, runs: RunList, *, id: str) -> None:
        super().__init__(id=id)
        self.runs = runs
        self.here = ""  # its run

    # What is shown.

    def count(self) -> int:
        return len(self.runs.shown)

    @property
    def current(self) -> Row | None:
        shown = self.runs.shown
        return shown[self.at] if self.at < len(shown) else None

    def told(self) -> None:
        """The list has changed: the cursor stays on its run, or where it was if that has gone."""
        self.marked = [run for run in self.marked if run in self.runs.rows]
        place = next((number for number, row in enumerate(self.runs.shown) if row.info.run == self.here), None)
        if place is None:
            place = max(0, min(self.at, self.count() - 1))
        top = max(0, self.scroll_offset.y + place - self.at)  # the run stays where it is on the screen
        self.at = place
        self.changed()
        self.scroll_to(y=top, animate=False, immediate=True, force=True)
        self.moved()

    def line(self, number: int, width: int) -> Content:
        places = columns(width - MARK)
        if number < 0:
            titles = (fit(self._title(column.id, column.title), room, right=column.right) for column, room in places)
            return Content("  " + "  ".join(titles))
        info = self.runs.shown[number].shown
        style = words.RUN[info.state].style
        quiet = "" if number == self.at else "$muted"  # on the cursor's colour it could not be read
        cells = [(self._cell(column, info, room), column.id) for column, room in places]
        parts: list[tuple[str, str]] = [("● " if info.run in self.marked else "  ", "bold $text-accent")]
        for cell, id in cells:
            parts.append((cell + "  ", style if id == "state" else quiet if id in ("created", "owner") else ""))
        return Content.assemble(*parts)

    def _cell(self, column: Column, info: RunInfo, room: int) -> str:
        said = harmless(text(column.id, info, self.runs.lead))
        while column.id == "metrics" and cell_len(said) > room and "  " in said.strip():
            said = said.rstrip().rpartition("  ")[0]  # half a number is another number
        return fit(said, room, right=column.right)

    def _title(self, id: str, title: str) -> str:
        title = self.runs.lead.upper() if id == "metrics" and self.runs.lead else title
        return f"{printable(title)} {'▼' if self.runs.falls else '▲'}" if id == self.runs.column else printable(title)

    def name_at(self, number: int) -> str:
        return self.runs.shown[number].info.run

    def moved(self) -> None:
        row = self.current
        self.here = row.info.run if row is not None else ""
        self.post_message(self.Moved())

    # Choosing.

    def action_choose(self) -> None:
        if self.current is None:
            self.notify("There is no run here to open", timeout=4, markup=False)
        else:
            self.post_message(self.Chosen(self.here))

    def action_mark(self) -> None:
        if not self.here:
            self.notify("There is no run here to mark", timeout=4, markup=False)
            return
        self.toggle(self.here)

    def on_click(self, event: Click) -> None:
        if event.y < self.HEAD:
            event.stop()
            self._sort_at(event.x)
        elif self.clicked(event) and event.chain > 1:
            self.action_choose()

    def _sort_at(self, x: int) -> None:
        end = MARK
        for column, room in columns(self.room - MARK):
            end += room + 2
            if x < end:
                self.runs.sort_by(column.id)
                self.told()
                return

    def sort_next(self) -> None:
        """By the next column that is shown."""
        ids = [column.id for column, _ in columns(self.room - MARK)] or [column.id for column in COLUMNS]
        at = ids.index(self.runs.column) if self.runs.column in ids else -1
        self.runs.sort_by(ids[(at + 1) % len(ids)])
        self.told()
