"""The line below a log in which somebody types what to search, to filter by, where to go or where to save."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click, Resize
from textual.message import Message
from textual.widgets import Input, Static

from .fields import Field


@dataclass(frozen=True)
class Ask:
    sign: str
    placeholder: str
    finds: bool = False  # what is typed is looked for at once, as text or as a regular expression


ASKS = {
    "search": Ask("/", "search the log; Enter: stay here, Escape: back", finds=True),
    "filter": Ask("&", "show only lines with this; Enter with nothing: all lines", finds=True),
    "go": Ask(":", "a line such as 1234, 50%, a time such as 14:03 or -10m"),
    "save": Ask("s", "a file to save the log in"),
}


class Way(Static):
    """Whether text or a regular expression is looked for; a click changes it."""

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(LogPrompt.Toggled())


class LogPrompt(Horizontal):
    """`asks`: what for, a key of ASKS."""

    asks: str = "search"
    CHILD: ClassVar[str] = "search"  # the field

    class Typed(Message):
        def __init__(self, asks: str, text: str, *, entered: bool) -> None:
            super().__init__()
            self.asks, self.text, self.entered = asks, text, entered

    class Grown(Message):
        """It takes so many rows now: what is said in it can be long."""

        def __init__(self, rows: int) -> None:
            super().__init__()
            self.rows = rows

    class Toggled(Message):
        """A regular expression instead of text, or the other way round."""

    def compose(self) -> ComposeResult:
        yield Static(id="log-sign")
        yield Field(id=self.CHILD)
        yield Static(id="log-said")
        yield Way(id="log-way")

    @property
    def field(self) -> Input:
        return self.query_one(f"#{self.CHILD}", Input)

    def ask(self, asks: str, text: str, *, regex: bool) -> None:
        """Takes the focus at once: the next key is text."""
        ask = ASKS[asks]
        self.asks = asks
        self.query_one("#log-sign", Static).update(f"{ask.sign} ")
        with self.prevent(Input.Changed):
            self.field.value = text
        self.field.placeholder = ask.placeholder
        self.field.cursor_position = len(text)
        self.tell(regex=regex)
        self.say("")
        self.display = True
        self.screen.set_focus(self.field)

    def tell(self, *, regex: bool) -> None:
        way = self.query_one("#log-way", Static)
        way.display = ASKS[self.asks].finds
        way.update(Content.assemble((" regex" if regex else " plain", "bold"), " ^r "))

    def say(self, text: str) -> None:
        """Why what was typed cannot be taken; it stays."""
        said = self.query_one("#log-said", Static)
        said.display = bool(text)
        said.update(Content.assemble(("✗ ", "$text-error"), text))

    def on_resize(self, event: Resize) -> None:
        self.post_message(self.Grown(event.size.height))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(self.Typed(self.asks, event.value, entered=False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(self.Typed(self.asks, event.value, entered=True))
