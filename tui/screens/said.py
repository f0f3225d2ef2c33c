"""What the program said in its notices, the newest first: they go, and this stays until you quit."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui import untrusted, words
from tui.report import redacted
from tui.toasts import Said
from tui.widgets.press import Press

from .dialogues import Dialogue

MARKS = {"warning": ("⚠ ", "$text-warning"), "error": ("✗ ", "$text-error")}
NOTHING = "Nothing was said yet. Notices at the edge of the screen come here too."


class SaidScreen(Dialogue[None]):
    def __init__(self, said: Sequence[Said]) -> None:
        super().__init__()
        self.said = list(reversed(said))

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialogue"):
            yield Static("What was said", classes="title")
            with VerticalScroll(id="said-list"):
                yield Static(Content("\n").join([_line(one) for one in self.said]) if self.said else NOTHING)
            with Horizontal(classes="buttons"):
                yield Press("Close", id="cancel", variant="primary")
                yield Press("Copy all", id="copy")

    def on_mount(self) -> None:
        self.query_one("#said-list" if self.said else "#cancel").focus()

    def other(self, _id: str) -> None:
        text = "\n".join(_line(one).plain for one in self.said)
        self.app.copy_to_clipboard(redacted(text))
        self.notify("Sent to the terminal's clipboard", timeout=4)

    def agreed(self) -> None:
        self.dismiss(None)


def _line(one: Said) -> Content:
    times = f" (×{one.count})" if one.count > 1 else ""
    text = untrusted.plain(one.text).replace("\n", " ")
    return Content.assemble((f"{words.clock(one.at)}  ", "$muted"), MARKS.get(one.severity, ("", "")), text + times)
