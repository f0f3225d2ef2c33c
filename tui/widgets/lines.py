"""Lines that are made only when they are seen: ten thousand cost no more than a screenful."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual


def fit(text: str, width: int, *, right: bool = False) -> str:
    """One line of `width` cells, cut with … where it is longer."""
    if cell_len(text) > width:
        text = set_cell_size(text, max(0, width - 1)).rstrip() + "…"
    room = " " * (width - cell_len(text))
    return room + text if right else text + room


class Lines(ScrollView, can_focus=True):
    """`head` lines stay at the top; `count` others scroll below them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False, id="lines.scroll_down"),
        Binding("k", "scroll_up", "Up", show=False, id="lines.scroll_up"),
        Binding("g", "scroll_home", "First line", show=False, id="lines.scroll_home"),
        Binding("G,shift+g", "scroll_end", "Last line", show=False, id="lines.scroll_end"),
    ]
    HEAD: ClassVar[int] = 0

    def count(self) -> int:
        raise NotImplementedError

    def line(self, number: int, width: int) -> Content:
        """The line in `width` cells; a negative number is one of the head, -1 the last of them."""
        raise NotImplementedError

    def span(self) -> int:
        """The cells of the longest line, where lines can be longer than there is room."""
        return 0

    def style_of(self, number: int) -> str:  # noqa: ARG002
        """The component class of a line; "" is none."""
        return ""

    @property
    def page(self) -> int:
        """How many lines scroll at once."""
        return max(1, self.size.height - self.HEAD)

    @property
    def room(self) -> int:
        """The cells of a line that are seen."""
        return self.scrollable_content_region.width

    def changed(self) -> None:
        """What the lines say is another."""
        self.virtual_size = Size(max(self.room, self.span()), self.count() + self.HEAD)
        self.refresh()

    def on_resize(self) -> None:
        self.changed()

    def render_line(self, y: int) -> Strip:
        number = y - self.HEAD if y < self.HEAD else y - self.HEAD + self.scroll_offset.y
        width = self.room
        if number >= self.count():
            return Strip.blank(width, self.rich_style)
        name = self.style_of(number)
        style = self.get_visual_style(name) if name else self.visual_style
        content = self.line(number, width)
        strip = Visual.to_strips(self, content, max(width, content.cell_length), 1, style, pad=True)[0]
        x = self.scroll_offset.x
        return strip.crop_extend(x, x + width, style.rich_style)
