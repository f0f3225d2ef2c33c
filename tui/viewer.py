"""`trainshed view`: one log by itself, a file of this machine or what comes on stdin. No site, no connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from . import keytable, report
from .crash import CrashReport
from .dressed import Dressed
from .keys import OrderedKeys
from .preferences import Resolved
from .toasts import Toasts
from .widgets.key_line import KeyLine
from .widgets.log_file import LogFile
from .widgets.log_panel import LogPanel

LOOK_S = 0.25  # between two looks at the file


class LogScreen(Screen[None]):
    """Its keys have the ids that they have in the wizard: what somebody has set there holds here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?", id="wizard.help"),
        Binding("q", "app.quit", "Quit", id="wizard.quit"),
        Binding("escape", "escape", "Leave the field / close", show=False, id="wizard.escape"),
        Binding("t", "app.next_theme", "Next theme", show=False, id="wizard.theme"),
    ]

    focused = Reactive[Widget | None](None, repaint=False)  # what has it is drawn, not all of the screen

    @property
    def panel(self) -> LogPanel:
        return self.query_one(LogPanel)

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """In a field, letters are text and Escape is what counts."""
        found = super().active_bindings
        if isinstance(self.focused, Input):
            for key, active in found.items():
                show = key == "escape" or (active.binding.show and key.startswith("ctrl+"))
                found[key] = active._replace(binding=replace(active.binding, show=show))
        return found

    def action_escape(self) -> None:
        if not self.panel.escape():
            self.panel.say("Nothing is open. q quits.")

    def action_help(self) -> None:
        from .screens.help import HelpScreen

        rows = [(one.keys, one.told) for one in keytable.over(self) if one.keys]
        self.app.push_screen(HelpScreen("the log", "", [("The log", rows)]))


class ViewerApp(OrderedKeys, Toasts, Dressed, CrashReport):
    """`path`: the file to follow; None: `text` arrives, from stdin. `settings`: what a person set; `light`: the
    terminal's background is.
    """

    TITLE = "trainshed view"
    CSS_PATH = ["app.tcss", "log.tcss"]  # noqa: RUF012 - as App declares it
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        path: Path | None,
        text: AsyncGenerator[list[str], None] | None = None,
        *,
        read_only: bool = False,
        settings: Resolved | None = None,
        light: bool = False,
    ) -> None:
        """Raises OSError for a file that cannot be read."""
        super().__init__()
        self._file = None if path is None else LogFile(path)
        self._text = text
        self._read_only = read_only
        self.dress(settings, light=light)
        self.bind_keys()

    def get_default_screen(self) -> Screen[None]:
        return LogScreen()

    def compose(self) -> ComposeResult:
        yield LogPanel(
            id="log-panel",
            title=self._file.path.name if self._file else "stdin",
            saves_as=lambda: f"{self._file.path.stem}-copy.log" if self._file else "stdin.log",
            keeps=lambda text: report.save(text, "", "copied.log"),
            no_times="only a run's log has them",
            read_only=self._read_only,
            store=self._file.store if self._file else None,
            look=self.settings.preferences.log,
        )
        yield KeyLine()

    @property
    def panel(self) -> LogPanel:
        return self.screen_stack[0].query_one(LogPanel)

    def on_mount(self) -> None:
        if self._file is not None:
            self.set_interval(LOOK_S, self._look)
        if self._text is not None:
            self.run_worker(self._read(self._text))
        self.screen.set_focus(self.panel.view)

    def _look(self) -> None:
        file = self._file
        assert file is not None
        said = file.look()
        if said:
            self.panel.say(said)
        if file.store is not self.panel.view.store:
            self.panel.show_anew(file.store)

    async def _read(self, text: AsyncGenerator[list[str], None]) -> None:
        async with aclosing(text) as batches:
            async for batch in batches:
                self.panel.append("".join(batch))
                await asyncio.sleep(0)
        self.panel.say("stdin has ended: this is all of it")

    def nothing_here(self, event: events.Key) -> str:
        return f"{super().nothing_here(event)} ? shows the keys."

    def action_help_quit(self) -> None:
        self.notify("q quits.", timeout=4)
