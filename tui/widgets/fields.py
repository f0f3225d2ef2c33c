"""Input fields that take what a person types, refuse what cannot be meant, and keep secrets to themselves."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input, Label, Static

from tui import untrusted

LIMIT = 4096  # PATH_MAX; no address, tag list or fingerprint is longer


class Field(Input):
    """One line: that a paste has more is told. One of more than LIMIT characters is refused before it is laid out."""

    def __init__(self, value: str = "", *, id: str, placeholder: str = "", **more: Any) -> None:
        more |= {"compact": True, "max_length": LIMIT, "select_on_focus": False}
        super().__init__(value, id=id, placeholder=placeholder, **more)

    def on_paste(self, event: Paste) -> None:
        if len(event.text) > LIMIT:
            event.prevent_default()
            event.stop()
            self.notify(f"{len(event.text):,} characters were pasted; this field takes {LIMIT:,}", severity="warning")
        elif (lines := len(event.text.rstrip().splitlines())) > 1:
            self.notify(f"{lines} lines were pasted; this field takes the first alone", severity="warning")


class SecretField(Field):
    """Masked, and no message carries its text: messages are shown by developer tools."""

    class Given(Message):
        """Enter was pressed; who asked takes the text by `take`."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, password=True)

    def post_message(self, message: Message) -> bool:
        if isinstance(message, Input.Submitted):
            return super().post_message(self.Given())
        if isinstance(message, Input.Changed):
            return False
        return super().post_message(message)

    def take(self) -> str:
        """The text, which is gone from the field then."""
        text = self.value
        self.value = ""
        return text


class Row(Vertical):
    """A label before a field; below it, why what was typed is refused, until that is corrected."""

    def __init__(self, label: str, field: Input) -> None:
        super().__init__(classes="row")
        self.label = label
        self.field = field
        self._said: Static | None = None  # made when something is refused

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label(self.label)
            yield self.field

    def on_click(self) -> None:
        """Also on its label."""
        self.field.focus()

    def refuse(self, why: str) -> None:
        """`why` is empty where nothing is wrong."""
        if self._said is None:
            if not why:
                return
            self._said = Static(classes="refused", id=f"{self.field.id}-refused")
            self.mount(self._said)
        self._said.display = bool(why)
        self._said.update(Content.assemble(("✗ ", "$text-error"), untrusted.plain(why)))

    @property
    def refused(self) -> bool:
        return self._said is not None and self._said.display
