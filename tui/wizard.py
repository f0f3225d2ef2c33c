"""The wizard: header, rail, the pane of one step, commands, footer; and the keys that every step shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, ContentSwitcher, Footer, Input, Static

from .screens.connect import ConnectPane
from .screens.pane import StepPane
from .session import Session
from .steps import ORDER, STEPS
from .widgets.commands import CommandsPane
from .widgets.rail import Rail, RailItem

ALREADY = frozenset({"app.command_palette", "command_palette", "press"})  # the help has its own words for these
LETTERS = frozenset({"r", "b", "n", "c", "q", "x", "slash", "ampersand", "space", "question_mark"})
TOO_SMALL = (
    "This terminal is too small for trainshed: it needs 60 columns and 18 lines. Nothing is lost; make it larger."
)


def _pane(step: str, session: Session) -> StepPane:
    """Imported when first shown: the first paint needs only Connect."""
    match step:
        case "connect":
            return ConnectPane(session)
        case "check":
            from .screens.check import CheckPane

            return CheckPane(session)
        case "data":
            from .screens.data import DataPane

            return DataPane(session)
        case "launch":
            from .screens.launch import LaunchPane

            return LaunchPane(session)
        case "watch":
            from .screens.watch import WatchPane

            return WatchPane(session)
        case _:
            from .screens.model import ModelPane

            return ModelPane(session)


class Wizard(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "retry", "Run/retry"),
        Binding("b", "step(-1)", "Back", priority=True),
        Binding("n", "step(1)", "Next", priority=True),
        Binding("c", "commands", "Commands"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "app.leave", "Quit"),
        Binding("y", "copy", "Copy the report or the command line", show=False),
        Binding("d", "details", "Details of the error", show=False),
        Binding("escape", "escape", "Leave the field / close / stop", show=False),
        Binding("t", "app.next_theme", "Next theme", show=False),
        *[
            Binding(str(number), f"go('{step.id}')", f"Go to {step.title}", show=False, priority=True)
            for number, step in enumerate(STEPS, 1)
        ],
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Screen declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (18, "-tall")]  # noqa: RUF012

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.here = ORDER[0]

    def compose(self) -> ComposeResult:
        yield Static(self._header(), id="header")
        yield Static(TOO_SMALL, id="too-small")
        with Horizontal(id="main"):
            yield Rail(self.session.journey)
            with Vertical(id="right"):
                with ContentSwitcher(initial="connect", id="panes"):
                    yield _pane("connect", self.session)
                yield CommandsPane(self.session)
        yield Footer(show_command_palette=False, compact=True)

    def _header(self) -> Content:
        session = self.session
        where = f"{session.site or 'no site yet'}{' · ' + session.vm if session.vm else ''}"
        badges = [session.label.upper()] if session.label else []
        badges += ["READ-ONLY"] if session.read_only else []
        parts: list[tuple[str, str]] = [(" trainshed ", "bold $primary"), (f" {where} ", "")]
        parts += [(f" {badge} ", "bold reverse") for badge in badges]
        return Content.assemble(*parts)

    def on_mount(self) -> None:
        self.session.journey.on_change = self._tell
        self.session.on_command = self._tell_commands
        self.session.on_reached = self._reached
        self._tell()
        self.pane.focus_first()

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The footer has room for six keys; in a field, letters are text and Escape is what counts."""
        found = super().active_bindings
        in_field = isinstance(self.focused, Input)
        hidden = LETTERS if in_field else self.pane.hides if self.is_mounted else frozenset()
        shown = {"escape"} if in_field else set()
        for key, active in found.items():
            binding = active.binding
            if key in hidden or key in shown:
                found[key] = active._replace(binding=replace(binding, show=key in shown))
        return found

    @property
    def pane(self) -> StepPane:
        return self.query_one(f"#{self.here}", StepPane)

    def _tell(self) -> None:
        if self.is_attached:
            self.query_one(Rail).tell(self.here)
            self.query_one("#header", Static).update(self._header())

    def _tell_commands(self) -> None:
        if self.is_attached:
            self.query_one(CommandsPane).tell(self.pane.cli())

    def _reached(self, by: str) -> None:
        for pane in self.query(StepPane):
            if by != pane.STEP:
                pane.reached()

    async def go(self, step: str) -> None:
        """Shows the pane of `step`; what was typed anywhere stays."""
        switcher = self.query_one(ContentSwitcher)
        if not switcher.query(f"#{step}"):
            await switcher.add_content(_pane(step, self.session), id=step, set_current=True)
        self.here = step  # not before: the footer asks the pane of this place at any moment
        switcher.current = step
        self._tell()
        self._tell_commands()
        self.pane.shown()
        self.pane.focus_first()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that change the place come first, so that the next key goes there; but in a field they are text."""
        if action not in ("go", "step"):
            return True
        searching = parameters == (1,) and self.is_mounted and self.pane.searching
        return not isinstance(self.focused, Input) and not searching

    async def action_go(self, step: str) -> None:
        await self.go(step)

    async def action_step(self, by: int) -> None:
        at = ORDER.index(self.here) + by
        if 0 <= at < len(ORDER):
            await self.go(ORDER[at])
        else:
            self.pane.say("This is the first step" if by < 0 else "This is the last step")

    def action_retry(self) -> None:
        self.pane.retry()

    def action_copy(self) -> None:
        self.pane.copy()

    def action_details(self) -> None:
        self.pane.details()

    def action_escape(self) -> None:
        if not (self.pane.leave_field() or self._close_commands() or self.pane.stop()):
            self.pane.say("Nothing is going. q quits; runs on the VM go on.")

    def _close_commands(self) -> bool:
        """False where they were not open."""
        commands = self.query_one(CommandsPane)
        if not commands.display:
            return False
        held = self.focused is not None and commands in self.focused.ancestors
        commands.display = False
        if held:
            self.pane.focus_first()
        return True

    def action_commands(self) -> None:
        pane = self.query_one(CommandsPane)
        pane.display = not pane.display
        self._tell_commands()

    def action_help(self) -> None:
        from .screens.help import HelpScreen

        keys: dict[str, str] = {}
        for binding in (active.binding for active in self.active_bindings.values()):
            if (
                binding.description
                and not binding.system
                and binding.action not in ALREADY
                and "go(" not in binding.action
            ):
                key = self.app.get_key_display(binding)
                known = keys.get(binding.description, "").split()
                keys[binding.description] = " ".join([*known, *({key} - set(known))])
        rows = [(key, does) for does, key in keys.items()]
        rows += [("1 to 6", "Go to that step"), ("^p", "Every action by name")]
        self.app.push_screen(HelpScreen(self.pane.step.title, self.pane.step.does, rows))

    def actions(self) -> list[tuple[str, str, Callable[[], object]]]:
        """Every action for the command palette: name, help, what it does."""
        found: list[tuple[str, str, Callable[[], object]]] = []
        for node, binding, enabled, _tip in self.active_bindings.values():
            if binding.description and enabled and not binding.system:
                text = f"key {self.app.get_key_display(binding)}"
                found.append((binding.description, text, partial(self.app.run_action, binding.action, node)))
        return found

    async def on_rail_item_chosen(self, event: RailItem.Chosen) -> None:
        await self.go(event.step)

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        by = {"go-back": -1, "go-next": 1}.get(event.button.id or "")
        if by is not None:
            await self.action_step(by)
