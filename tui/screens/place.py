"""A screen beside the six steps: it lies over the wizard, and Escape leads back to where one was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import ClassVar, TypeVar

from textual.binding import ActiveBinding, Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from tui import keytable
from tui.frame import Frame
from tui.session import Session
from tui.widgets.errors import ErrorPanel

from .tells import Tells

Answer = TypeVar("Answer")


class Place(Frame[Answer | None], Tells):
    """What such screens share: the keys of the program, the help, the palette's actions."""

    TITLE_OF: ClassVar[str]
    DOES: ClassVar[str]  # in one sentence, for the help
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", key_display="esc", id="place.back"),
        Binding("question_mark", "help", "Help", key_display="?", id="place.help"),
        Binding("y", "copy", "Copy the report or the command line", show=False, id="place.copy"),
        Binding("t", "app.next_theme", "Next theme", show=False, id="place.next_theme"),
        Binding("q", "app.leave", "Quit", show=False, id="place.leave"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def cli(self) -> str:
        """The equal command line."""
        raise NotImplementedError

    def heading(self, place: str = "") -> Content:
        return super().heading(place or self.TITLE_OF)

    def on_mount(self) -> None:
        self.mount(self.notice(), before=0)

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """In a field, letters are text and Escape is what counts. The screen's own keys come before those of all."""
        found = super().active_bindings
        for key in ("escape", "question_mark"):
            if key in found:
                found[key] = found.pop(key)
        if isinstance(self.focused, Input):
            for key, active in found.items():
                found[key] = active._replace(binding=replace(active.binding, show=key == "escape"))
        return found

    def action_back(self) -> None:
        self.dismiss(None)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.cli())
        self.say(f"Sent to the terminal's clipboard: {self.cli()}")

    def action_help(self) -> None:
        from .help import HelpScreen

        here, everywhere = list[tuple[str, str]](), list[tuple[str, str]]()
        for one in keytable.over(self):
            if one.keys:
                (everywhere if one.node is self.app else here).append((one.keys, one.told))
        groups = [(f"In {self.TITLE_OF}", here), ("Everywhere", everywhere)]
        self.app.push_screen(HelpScreen(self.TITLE_OF, self.DOES, [group for group in groups if group[1]]))

    def actions(self) -> list[tuple[str, str, Callable[[], object]]]:
        """Every action for the command palette: name, key, what it does."""
        return [
            (one.does, f"key {one.keys}" if one.keys else "", partial(self._do, one.action, one.node))
            for one in keytable.over(self)
            if one.action != keytable.PALETTE
        ]

    async def _do(self, action: str, node: object) -> None:
        await self.app.run_action(action, node)  # type: ignore[arg-type]


class AskingPlace(Place[Answer]):
    """A place that asks the VM: its error is shown, tried again, and copied as a report."""

    REPORT: ClassVar[str]  # what a report says it is about

    def retry(self) -> object:
        raise NotImplementedError

    def asked(self) -> str:
        """The equal command line of what failed."""
        return self.cli()

    def on_error_panel_asked(self, event: ErrorPanel.Asked) -> None:
        {"retry": self.retry, "copy": self.action_copy, "details": self.details}[event.what]()

    def action_details(self) -> None:
        self.details()

    def action_copy(self) -> None:
        """The report of the error that is shown, else the equal command line."""
        if not self.copy_report(self.REPORT, self.asked()):
            super().action_copy()
