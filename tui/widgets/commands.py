"""The commands pane: what runs on the VM, and the command line that does the same as the screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui import untrusted
from tui.session import Session

SHOWN = 200


class CommandsPane(Vertical):
    def __init__(self, session: Session) -> None:
        super().__init__(id="commands")
        self.session = session
        self.display = False

    def compose(self) -> ComposeResult:
        yield Static(id="equal")
        with VerticalScroll(id="ran"):
            yield Static(id="ran-text")

    def on_mount(self) -> None:
        self.border_title = "Commands"

    def tell(self, equal: str) -> None:
        """`equal`: the command line that does what the screen's main button does."""
        if not self.display:
            return
        self.query_one("#equal", Static).update(
            Content.assemble(("The same by hand (y copies)  ", "$muted"), (untrusted.plain(equal), "bold"))
        )
        lines = [
            Content.assemble(
                ("VM  $ " if command.where == "vm" else "here $ ", "$muted"), untrusted.plain(command.text)
            )
            for command in self.session.commands[-SHOWN:]
        ]
        self.query_one("#ran-text", Static).update(Content("\n").join(lines) if lines else "Nothing was run yet.")
        self.query_one("#ran").scroll_end(animate=False)
