"""Lines below a head, with a cursor and marks: what the table of runs and that of staged versions share."""

from __future__ import annotations

from typing import ClassVar

from textual.events import Click
from textual.strip import Strip

from .choices import REVERSE
from .lines import Lines

MARK = 2  # cells before the first column


class Table(Lines):
    """`STYLE`: what the names of its component classes begin with. `marked`: names, in the order of marking."""

    HEAD = 1
    STYLE: ClassVar[str]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.at = 0  # the line of the cursor
        self.marked: list[str] = []

    def name_at(self, number: int) -> str:
        """By which a line is marked."""
        raise NotImplementedError

    def moved(self) -> None:
        """The cursor was sent to a line, which may be the one where it was."""

    def style_of(self, number: int) -> str:
        if number < 0:
            return f"{self.STYLE}--head"
        if number == self.at:
            return f"{self.STYLE}--cursor"
        return f"{self.STYLE}--marked" if self.name_at(number) in self.marked else ""

    def render_line(self, y: int) -> Strip:
        """Textual leaves `reverse` out of a line's style: with NO_COLOR it is put back here."""
        strip = super().render_line(y)
        here = y >= self.HEAD and y - self.HEAD + self.scroll_offset.y == self.at < self.count()
        return strip.apply_style(REVERSE) if here and self.app.no_color else strip

    def go(self, number: int) -> None:
        """Moves the cursor, and the lines where it would not be seen."""
        self.at = max(0, min(number, self.count() - 1))
        top = self.scroll_offset.y
        if not top <= self.at < top + self.page:
            y = self.at if self.at < top else self.at - self.page + 1
            self.scroll_to(y=y, animate=False, immediate=True, force=True)
        self.refresh()
        self.moved()

    def action_move(self, by: int) -> None:
        self.go(self.at + by)

    def action_page(self, by: int) -> None:
        self.go(self.at + by * self.page)

    def action_end(self, way: int) -> None:
        self.go(0 if way < 0 else self.count() - 1)

    def toggle(self, name: str) -> None:
        """Marks it or takes its mark away, and goes on to the next line."""
        if name in self.marked:
            self.marked.remove(name)
        else:
            self.marked.append(name)
        self.go(self.at + 1)

    def clicked(self, event: Click) -> bool:
        """Whether a line was, and not the head or the empty part below."""
        event.stop()
        number = event.y - self.HEAD + self.scroll_offset.y
        if event.y < self.HEAD or number >= self.count():
            return False
        self.go(number)
        return True
