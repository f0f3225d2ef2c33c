"""One line above every step while the link to the VM is lost."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from tui.session import Session


class LinkLine(Static):
    def __init__(self, session: Session) -> None:
        super().__init__(id="link")
        self.session = session
        self.display = False

    def on_mount(self) -> None:
        self.set_interval(0.5, self.tell)
        self.session.link.on_change = self.tell

    def tell(self) -> None:
        """Its clock moves while a try goes on."""
        said = self.session.link.words("the run goes on" if self.session.run_going else "")
        if self.display or said:
            self.display = bool(said)
            self.update(Content.styled(f"⚠ {said}", "$text-warning"))
