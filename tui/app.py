"""The terminal UI: a wizard of six steps over `core.services.Services`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter, Monochrome
from textual.screen import Screen

from core.services import Services

from . import colourless
from .crash import CrashReport
from .keys import OrderedKeys
from .session import Session
from .themes import DEFAULT, MUTED, THEMES
from .wizard import Wizard


class TrainshedApp(OrderedKeys, CrashReport):
    """`label` is shown as a badge ("demo", "replay"). Offered in fields: `fingerprint` (of the VM, known otherwise)
    by Connect, `job` by Launch, `row` by Model.

    Exits with 0, or 1 after a mistake of its own: then a report was written.
    """

    TITLE = "trainshed"
    CSS_PATH = ["app.tcss", "log.tcss"]  # noqa: RUF012 - as App declares it
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "leave", "Quit", show=False, system=True)]

    def __init__(
        self,
        services: Services,
        *,
        read_only: bool = False,
        label: str = "",
        job: Path | None = None,
        fingerprint: str = "",
        row: int = 17,
        theme: str = DEFAULT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.no_color = colourless.wanted()  # the style sheet's :nocolor
        self._colourless = [colourless.Colourless()]
        job = job or (Path("job.yml") if label == "replay" else None)  # a replay reads no file
        self.session = Session(
            services, read_only=read_only, label=label, fingerprint=fingerprint, job=job, row=row, clock=clock
        )
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme

    @property
    def owns_the_site(self) -> bool:
        """The embedded site ends with the program that started it, its runs included."""
        return self.session.label == "demo"

    def get_line_filters(self) -> Sequence[LineFilter]:
        if self.no_color:
            return self._colourless
        return [known for known in super().get_line_filters() if not isinstance(known, Monochrome)]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"muted": MUTED}

    def get_default_screen(self) -> Screen[None]:
        return Wizard(self.session)

    @property
    def wizard(self) -> Wizard:
        found = self.screen_stack[0]
        assert isinstance(found, Wizard)
        return found

    def crash_site(self) -> tuple[str, str]:
        here = self.screen_stack[0] if self.screen_stack else None
        return self.session.site, here.here if isinstance(here, Wizard) else "start"

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        if isinstance(screen, Wizard):
            for title, text, do in screen.actions():
                yield SystemCommand(title, text, do)
        for theme in THEMES:
            yield SystemCommand(f"Theme {theme.name}", "change the colours", lambda name=theme.name: self._wear(name))

    def _wear(self, theme: str) -> None:
        self.theme = theme

    def action_next_theme(self) -> None:
        names = [theme.name for theme in THEMES]
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]
        self.notify(f"Theme: {self.theme}", timeout=2)

    def action_leave(self) -> None:
        """Quits; a run that goes on is named first."""
        session = self.session
        if not session.run_going:
            self.exit()
            return
        from .screens.dialogues import Confirmation

        back = session.line("logs", session.run, "--follow")
        if self.owns_the_site:
            text = f"This embedded site ends with the program, and {session.run} with it.\nA run on a real VM goes on."
            question, message = Confirmation("Quit trainshed?", text, yes="Quit, and end the run", no="Stay"), None
        else:
            text = f"{session.run} goes on on {session.vm}: quitting stops nothing there.\nCome back with {back}"
            question = Confirmation("Quit trainshed?", text, yes="Quit, the run goes on", no="Stay")
            message = f"The run goes on. Come back with: {back}"

        def answered(yes: bool | None) -> None:
            if yes:
                self.exit(message=message)

        self.push_screen(question, answered)

    def action_help_quit(self) -> None:
        """Ctrl+C where nothing is selected: here it copies, so it says what quits and what cancels."""
        here = self.screen
        said = here.pane.ways_out() if isinstance(here, Wizard) else "Escape closes this; then q quits."
        self.notify(said, timeout=6, markup=False)

    async def action_quit(self) -> None:
        self.action_leave()

    async def on_unmount(self) -> None:
        await self.session.services.close()
