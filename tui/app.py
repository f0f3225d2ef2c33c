"""The terminal UI: a wizard of six steps over `core.services.Services`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.screen import Screen, SystemModalScreen
from textual.signal import Signal

from core.errors import ConfigError
from core.pace import Pace
from core.services import Services

from .crash import CrashReport
from .dressed import Dressed
from .endings import Endings
from .keys import PATIENCE_S, OrderedKeys
from .keytable import listed
from .preferences import Resolved
from .session import Session
from .themes import CHOICES
from .toasts import Toasts
from .wizard import Wizard

if TYPE_CHECKING:
    from core.journal import Take

LATER = "/* Read later. */"


def _style_sheet() -> list[str]:
    """In the parts of app.tcss: for the first paint, for a step, for the rest, of which the log's is one."""
    first, step, rest, log = (
        part
        for name in ("app.tcss", "log.tcss")
        for part in (Path(__file__).parent / name).read_text(encoding="utf-8").split(LATER)
    )
    return [first, step, rest + log]


class TrainshedApp(OrderedKeys, Toasts, Dressed, Endings, CrashReport):
    """`label` is shown as a badge ("demo", "replay"). Offered in fields: `fingerprint` (of the VM, known otherwise)
    by Connect, `job` by Launch, `row` by Model. `settings`: what a person set; `light`: the terminal's background is.
    `theme` is for pictures: that one, whatever is set. `keep`: what is known of each step is there again next time.
    `takes`: of a recording that plays by itself.

    Exits with 0, or 1 after a mistake of its own: then a report was written.
    """

    TITLE = "trainshed"
    CSS, *LATER_CSS = _style_sheet()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", "Quit", show=False, system=True, id="app.quit"),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, system=True, priority=True, id="app.suspend"),
        Binding("ctrl+p", "command_palette", "Every action by name", show=False, priority=True, id="app.palette"),
        Binding("ctrl+o,J,shift+j", "jump", "Jump: a letter for each place", show=False, id="app.jump"),
        Binding("M,shift+m", "said", "What was said in notices", show=False, id="app.said"),
    ]

    def __init__(
        self,
        services: Services,
        *,
        read_only: bool = False,
        label: str = "",
        job: Path | None = None,
        fingerprint: str = "",
        row: int = 17,
        pace: Pace | None = None,
        theme: str = "",
        settings: Resolved | None = None,
        light: bool = False,
        keep: bool = False,
        takes: Sequence[Take] = (),
        vm_ends: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.takes = takes
        job = job or (Path("job.yml") if label == "replay" else None)  # a replay reads no file
        self.session = Session(
            services,
            read_only=read_only,
            label=label,
            fingerprint=fingerprint,
            job=job,
            row=row,
            pace=pace,
            keep=keep,
            vm_ends=vm_ends,
            clock=clock,
        )
        self.settings_changed: Signal[Resolved] = Signal(self, "settings changed")
        self._more_css = iter(enumerate(self.LATER_CSS, 2))
        self.dress(settings, light=light, theme=theme)

    def get_default_screen(self) -> Screen[None]:
        return Wizard(self.session, self.size)

    @property
    def wizard(self) -> Wizard:
        found = self.screen_stack[0]
        assert isinstance(found, Wizard)
        return found

    def looks_at(self, run: str) -> bool:
        here = self.screen
        return isinstance(here, Wizard) and here.here == "watch" and run == self.session.run

    def crash_site(self) -> tuple[str, str]:
        here = self.screen_stack[0] if self.screen_stack else None
        return self.session.site, here.here if isinstance(here, Wizard) else "start"

    def runs_then(self) -> str:
        return self.session.runs_then()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        actions = getattr(screen, "actions", None)  # of the wizard, and of what lies over it
        if actions is not None:
            for title, text, do in actions():
                yield SystemCommand(title, text, do)
        elif not isinstance(screen, SystemModalScreen):
            for one in listed(self, [screen]):
                yield SystemCommand(one.does, f"key {one.keys}", partial(self.run_action, one.action, one.node))
        yield SystemCommand("Screenshot", "save what is shown as an SVG of your own", self.action_shoot)
        for setting in CHOICES:
            yield SystemCommand(f"Theme {setting}", "kept in your settings", partial(self.change, "theme", setting))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("command_palette", "jump") and getattr(self.screen, "takes_every_key", False):
            return False
        return super().check_action(action, parameters)

    async def on_load(self) -> None:
        self.bind_keys()

    def on_mount(self) -> None:
        if self.takes and self.session.pace is not None:
            from .player import Player

            self.run_worker(Player(self, self.takes, self.session.pace).play(), group="player", exit_on_error=True)
        # Ctrl+Z and fg: the terminal shows none of the screen any more, and Textual does not know that
        self.app_resume_signal.subscribe(self, lambda _app: self.refresh(layout=True))
        for problem in self.settings.problems:
            self.notify(problem, title="A setting is not used", severity="warning", timeout=12, markup=False)
        if self.settings.preferences.keys:
            self.run_worker(self._judge_keys())

    async def complete(self) -> None:
        here = self.screen_stack[0] if self.screen_stack else None
        if isinstance(here, Wizard) and not here.complete.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await here.complete.wait()

    def style_more(self) -> None:
        """Reads the next part of the style sheet."""
        number, css = next(self._more_css)
        self.stylesheet.add_source(css, read_from=("tui/app.tcss", f"part {number}"))
        self.stylesheet.parse()

    def change(self, key: str, value: Any) -> None:
        """Sets a setting (None: its default) from now on, and for later where the file may be written."""
        if self.settings.path is not None and not self.session.read_only:
            from .preferences.file import write

            try:
                write(key, value)
            except ConfigError as error:
                self.notify(f"{error.title}. It holds until you quit.", severity="warning", markup=False)
        self.settings = self.settings.changed(key, value)
        self.preview(self.settings.preferences.theme)
        self.bind_keys()
        self.settings_changed.publish(self.settings)

    def nothing_here(self, event: events.Key) -> str:
        said = super().nothing_here(event)
        if isinstance(self.screen, Wizard):
            return f"{said} {self.key_of('wizard.help', '?')} shows the keys."
        if hasattr(self.screen, "action_help") and self.screen.check_action("help", ()):
            return f"{said} {self.key_of('place.help', '?')} shows the keys."
        return f"{said} Escape closes this."

    def key_of(self, id: str, key: str) -> str:
        """How the key of a binding is written; `key` is its own one, as it is written."""
        from_map = self._keymap.get(id)
        if not from_map:
            return key
        return self.get_key_display(Binding(from_map.partition(",")[0], ""))

    async def _judge_keys(self) -> None:
        """After the first paint: to know every binding every screen is loaded, one after the other."""
        from .preferences import keys

        bounds: dict[str, keys.Bound] = {}
        for name in keys.modules():
            bounds |= {bound.id: bound for bound in keys.of_module(name)}
            await asyncio.sleep(0)
        for problem in keys.problems(self.settings.preferences.keys, bounds):
            self.notify(problem, title="A key cannot be as it is set", severity="warning", timeout=12, markup=False)

    def action_settings(self) -> None:
        from .screens.settings import SettingsScreen

        self.push_screen(SettingsScreen())

    def action_next_theme(self) -> None:
        super().action_next_theme()
        self.notify(f"Theme: {self.theme.removeprefix('trainshed-')}, until you quit. Settings keep one.", timeout=2)

    def action_command_palette(self) -> None:
        """Textual's own has an id, which one that is just being closed has too."""
        if not CommandPalette.is_open(self):
            self.push_screen(CommandPalette())

    def action_shoot(self) -> None:
        from . import screenshot

        try:
            path = screenshot.take(self, self.session.site)
        except OSError as failed:
            self.notify(f"The screenshot could not be written: {failed.strerror}", severity="error", markup=False)
            return
        self.notify(f"Saved in {path}", markup=False)

    def action_leave(self) -> None:
        """Quits; a run that goes on is named first."""
        from . import leaving

        leaving.ask(self)

    def action_jump(self) -> None:
        """Marks each place of what is shown; once more: takes the marks away."""
        from .screens.jump import Jump, go_to

        here = self.screen
        if isinstance(here, Jump):
            here.dismiss(None)
        else:
            self.push_screen(Jump(here), lambda place: go_to(place) if place is not None else None)

    def action_said(self) -> None:
        from .screens.said import SaidScreen

        self.push_screen(SaidScreen(self.said))

    def action_help_quit(self) -> None:
        """Ctrl+C where nothing is selected: here it copies, so it says what quits and what cancels."""
        here = self.screen
        said = here.pane.ways_out() if isinstance(here, Wizard) else "Escape closes this; then q quits."
        self.notify(said, timeout=6, markup=False)

    async def action_quit(self) -> None:
        self.action_leave()

    async def on_unmount(self) -> None:
        await self.session.services.close()
