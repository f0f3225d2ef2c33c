"""`?`: the keys of where you are, read from the bindings themselves."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.widgets.press import Press

from .dialogues import Dialogue

WORDS = (
    ("○ to do", "never tried"),
    ("● going", "being tried now"),
    ("✓ done", "its result holds"),
    ("✗ failed", "r tries again, with what you typed"),
    ("↻ stale", "an earlier step has a new result since"),
)
MOUSE = "Everything can be clicked. Hold Shift while dragging to select text with the terminal's own mouse."


class HelpScreen(Dialogue[None]):
    """`keys`: (key, what it does), in the order of the bindings."""

    def __init__(self, title: str, does: str, keys: list[tuple[str, str]]) -> None:
        super().__init__()
        self.heading, self.does, self.keys = title, does, keys

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialogue wide"):
            yield Static(f"Keys of {self.heading}", classes="title")
            yield Static(Content(self.does))
            yield Static(_table(self.keys), classes="table")
            yield Static("States of a step", classes="title")
            yield Static(_table(WORDS), classes="table")
            yield Static(MOUSE)
            yield Press("Close", id="cancel", variant="primary")


def _table(rows: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> Content:
    width = max(len(key) for key, _ in rows) + 2
    return Content("\n").join([Content.assemble((f"{key:<{width}}", "bold $text-accent"), does) for key, does in rows])
