"""A list to choose from; the chosen line can be seen without colours too."""

from __future__ import annotations

from typing import Any

from rich.style import Style
from textual.events import Key
from textual.strip import Strip
from textual.widgets import OptionList

from .fields import Field

REVERSE = Style(reverse=True)


class Choices(OptionList):
    """Textual leaves `reverse` out of an option's style: with NO_COLOR it is put back here."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, compact=True, markup=False)

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        if not (self.app.no_color and (self.has_focus or isinstance(self.screen.focused, Filter))):
            return strip
        options = {segment.style.meta.get("option") for segment in strip if segment.style is not None}
        return strip.apply_style(REVERSE) if self.highlighted in options - {None} else strip


class Filter(Field):
    """Narrows a list below it; the arrow keys go through the list while it has the focus."""

    def __init__(self, *, id: str, placeholder: str, **more: Any) -> None:
        super().__init__(id=id, placeholder=placeholder, **more)

    def on_key(self, event: Key) -> None:
        options = self.screen.query_one(Choices)
        move = {"up": options.action_cursor_up, "down": options.action_cursor_down}.get(event.key)
        if move is not None:
            event.stop()
            move()
