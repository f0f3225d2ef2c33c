"""`?`: the keys of where you are, read from the bindings themselves."""

from __future__ import annotations

from collections.abc import Sequence

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
    ("↻ stale", "what it builds on changed since; the step says what"),
)
MOUSE = "Everything can be clicked. Hold Shift while dragging to select text with the terminal's own mouse."


class HelpScreen(Dialogue[None]):
    """`groups`: (title, [(key, what it does)]). Longer than the screen it scrolls."""

    PLAIN = True

    def __init__(
        self, title: str, does: str, groups: list[tuple[str, list[tuple[str, str]]]], *, states: bool = False
    ) -> None:
        super().__init__()
        self.heading, self.does, self.groups = title, does, groups
        self.states = states  # whether those of a step are explained

    @property
    def keys(self) -> list[tuple[str, str]]:
        return [row for _, rows in self.groups for row in rows]

    def compose(self) -> ComposeResult:
        width = max(len(key) for key, _ in self.keys) + 2
        with VerticalScroll(classes="dialogue"):
            yield Static(f"Keys of {self.heading}", classes="title")
            if self.does:
                yield Static(Content(self.does), classes="table")
            for group, rows in self.groups:
                yield Static(group, classes="group")
                yield Static(_table(rows, width), classes="table")
            if self.states:
                yield Static("States of a step", classes="group")
                yield Static(_table(WORDS, width), classes="table")
            yield Static(MOUSE, classes="table")
            yield Press("Close", id="cancel", variant="primary")


def _table(rows: Sequence[tuple[str, str]], width: int) -> Content:
    width = max(width, *(len(key) + 2 for key, _ in rows))
    return Content("\n").join([Content.assemble((f"{key:<{width}}", "bold $text-accent"), does) for key, does in rows])
