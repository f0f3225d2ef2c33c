"""The wizard: header, rail, the pane of one step, commands, footer; and the keys that every step shares."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.dom import DOMNode
from textual.geometry import Size
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from . import keytable
from .keys import in_field
from .panes import pane_of
from .session import Session
from .steps import ORDER, STEPS, Step
from .widgets.key_line import KeyLine, ShownKey
from .widgets.rail import Rail, RailItem

if TYPE_CHECKING:
    from textual.widgets import Button

    from .journeys import Keeper
    from .screens.pane import StepPane
    from .widgets.commands import CommandsPane

LETTERS = frozenset({"r", "b", "n", "c", "q", "x", "slash", "ampersand", "space", "question_mark"})
TOO_SMALL = (
    "This terminal is too small for trainshed: it needs 60 columns and 18 lines. Nothing is lost; make it larger."
)


def _keeper(session: Session) -> Keeper | None:
    if not session.keep:
        return None
    from .journeys import Keeper

    return Keeper(session)


def _place(number: int, step: Step) -> Binding:
    does, id = f"Go to {step.title}", f"wizard.{step.id}"
    return Binding(str(number), f"go('{step.id}')", does, show=False, priority=True, id=id)


class Keys(KeyLine):
    """Empty until all is there that a key can act on."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def found(self) -> tuple[ShownKey, ...]:
        return super().found() if self.session.painted else ()


class Wizard(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "retry", "Run/retry", id="wizard.retry"),
        Binding("b", "step(-1)", "Back", priority=True, id="wizard.back"),
        Binding("n", "step(1)", "Next", priority=True, id="wizard.next"),
        Binding("c", "commands", "Commands", id="wizard.commands"),
        Binding("question_mark", "help", "Help", key_display="?", id="wizard.help"),
        Binding("q", "app.leave", "Quit", id="wizard.quit"),
        Binding("y", "copy", "Copy the report or the command line", show=False, id="wizard.copy"),
        Binding("d", "details", "Details of the error", show=False, id="wizard.details"),
        Binding("e", "edit", "Edit what was typed", show=False, id="wizard.edit"),
        Binding("escape", "escape", "Leave the field / close / stop", show=False, id="wizard.escape"),
        Binding("o", "runs", "All runs", show=False, id="wizard.runs"),
        Binding("t", "app.next_theme", "Next theme", show=False, id="wizard.theme"),
        Binding("comma", "app.settings", "Settings", show=False, key_display=",", id="wizard.settings"),
        Binding("full_stop", "pause", "Pause a replay / go on", show=False, system=True, id="wizard.pause"),
        *[_place(number, step) for number, step in enumerate(STEPS, 1)],
    ]
    focused = Reactive[Widget | None](None, repaint=False)  # what has it is drawn, not all of the screen
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Screen declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (18, "-tall")]  # noqa: RUF012

    def __init__(self, session: Session, size: Size) -> None:
        """`size`: of the terminal, so that the first picture is right already."""
        width, height = (
            [name for least, name in points if extent >= least][-1]
            for extent, points in ((size.width, self.HORIZONTAL_BREAKPOINTS), (size.height, self.VERTICAL_BREAKPOINTS))
        )
        super().__init__(classes=f"{width} {height}")
        self.session = session
        self.here = ORDER[0]
        self.keeper = _keeper(session)
        self.ignored = self.keeper.load() if self.keeper else ""  # before the panes are made: they tell what was done
        self.warned = False  # that nothing can be kept
        self.complete = asyncio.Event()  # all is there that a key can act on

    def compose(self) -> ComposeResult:
        yield Static(self._header(), id="header")
        with Horizontal(id="main"):
            yield Rail(self.session.journey, self.here)
            with Vertical(id="right"):
                yield ContentSwitcher(id="panes")
        yield Keys(self.session)

    async def _make_pane(self) -> None:
        """The first paint shows the steps; what the first of them needs is loaded and made after it."""
        self.app.style_more()  # type: ignore[attr-defined]
        await self.query_one(ContentSwitcher).add_content(pane_of(self.here, self.session), set_current=True)
        self.pane.focus_first()
        self.call_after_refresh(self._make_the_rest)

    async def _make_the_rest(self) -> None:
        """What is hidden at first, and the keys."""
        from .widgets.commands import CommandsPane

        self.app.style_more()  # type: ignore[attr-defined]
        with self.app.batch_update():
            await self.query_one("#right").mount(CommandsPane(self.session))
            await self.mount(Static(TOO_SMALL, id="too-small"), before="#main")
        self.app.stylesheet.update(self)
        self.session.painted = True
        self.refresh_bindings()
        self.complete.set()
        if self.ignored:
            self.pane.say(self.ignored)

    def _header(self) -> Content:
        session = self.session
        where = f"{session.site or 'no site yet'}{' · ' + session.vm if session.vm else ''}"
        badges = [session.label.upper()] if session.label else []
        badges += ["READ-ONLY"] if session.read_only else []
        badges += ["PAUSED, . goes on"] if session.pace is not None and session.pace.stopped else []
        parts: list[tuple[str, str]] = [(" trainshed ", "bold $primary"), (f" {where} ", "")]
        parts += [(f" {badge} ", "bold reverse") for badge in badges]
        return Content.assemble(*parts)

    def on_mount(self) -> None:
        self.session.journey.on_change = self._changed
        self.session.on_command = self._tell_commands
        self.session.on_reached = self._reached
        if self.session.pace is not None:
            self.session.pace.on_change = self._tell
        self.call_after_refresh(self._make_pane)

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The footer has room for six keys; in a field, letters are text and Escape is what counts."""
        found = super().active_bindings
        typing = in_field(self)
        hidden = LETTERS if typing else self.pane.hidden if self.complete.is_set() else frozenset()
        shown = {"escape"} if typing else set()
        for key, active in found.items():
            own = self._own_key(active)
            if own in hidden or own in shown:
                found[key] = active._replace(binding=replace(active.binding, show=own in shown))
        return found

    @staticmethod
    def _own_key(active: ActiveBinding) -> str:
        """The key that the binding has where nobody changed it."""
        id, bindings = active.binding.id, active.node._bindings
        keys = (key for key, binding in bindings if id is not None and binding.id == id)
        return next(keys, active.binding.key)

    @property
    def pane(self) -> StepPane:
        return cast("StepPane", self.query_one(f"#{self.here}"))

    def _changed(self) -> None:
        self._tell()
        said = self.keeper.save() if self.keeper else ""
        if said and not self.warned:
            self.warned = True
            self.pane.say(said)

    @property
    def commands(self) -> CommandsPane:
        return cast("CommandsPane", self.query_one("#commands"))

    def _tell(self) -> None:
        if self.is_attached:
            self.query_one(Rail).tell(self.here)
            self.query_one("#header", Static).update(self._header())

    def _tell_commands(self) -> None:
        if self.is_attached and self.complete.is_set():
            self.commands.tell(self.pane.cli())

    def _reached(self, by: str) -> None:
        for pane in cast("Iterator[StepPane]", self.query_one(ContentSwitcher).query_children(".step")):
            if by != pane.STEP:
                pane.reached()

    async def go(self, step: str) -> None:
        """Shows the pane of `step`; what was typed anywhere stays."""
        await self.complete.wait()
        switcher = self.query_one(ContentSwitcher)
        if not switcher.query(f"#{step}"):
            await switcher.add_content(pane_of(step, self.session), id=step, set_current=True)
        self.here = step  # not before: the footer asks the pane of this place at any moment
        switcher.current = step
        self._tell()
        self._tell_commands()
        self.pane.shown()
        if self.session.journey.states[step] == "stale":
            self.pane.remind()
        self.pane.focus_first()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that change the place come first, so that the next key goes there; but in a field they are text."""
        if action not in ("go", "step"):
            return True
        searching = parameters == (1,) and self.complete.is_set() and self.pane.searching
        return not in_field(self) and not searching

    async def action_go(self, step: str) -> None:
        await self.go(step)

    async def action_step(self, by: int) -> None:
        at = ORDER.index(self.here) + by
        if 0 <= at < len(ORDER):
            await self.go(ORDER[at])
        else:
            self.pane.say("This is the first step" if by < 0 else "This is the last step")

    def action_runs(self) -> None:
        """The list of runs lies over the step; what is chosen there opens in Watch."""
        from .screens.runs import RunsScreen

        self.app.push_screen(RunsScreen(self.session), self._open)

    async def _open(self, run: str | None) -> None:
        if run:
            self.session.run = run
            await self.go("watch")

    def action_retry(self) -> None:
        self.pane.retry()

    def action_pause(self) -> None:
        """A recorded session stands still, or goes on: with --step to its next phase."""
        pace = self.session.pace
        if pace is None:
            self.pane.say("Only a replay can be paused. What runs on a VM goes on.")
        elif pace.stopped:
            pace.go_on()
        else:
            pace.stop()

    def action_copy(self) -> None:
        self.pane.copy()

    def action_details(self) -> None:
        self.pane.details()

    async def action_edit(self) -> None:
        if not self.pane.edit():
            await self.go("connect")  # what the steps without a field of their own build on
            self.pane.edit()

    def action_escape(self) -> None:
        if self.commands.leave_filter():
            return
        if not (self.pane.leave_field() or self._close_commands() or self.pane.stop()):
            self.pane.say("Nothing is going. q quits; runs on the VM go on.")

    def _close_commands(self) -> bool:
        """False where they were not open."""
        commands = self.commands
        if not commands.display:
            return False
        held = self.focused is not None and commands in self.focused.ancestors
        commands.display = False
        if held:
            self.pane.focus_first()
        return True

    def action_commands(self) -> None:
        pane = self.commands
        if self._close_commands():
            return
        pane.display = True
        self._tell_commands()
        pane.list.focus()

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:  # noqa: ARG002
        """Why an action of this screen is off now."""
        if in_field(self):
            return "A field has the keys: Escape leaves it."
        return "This is the next hit while you search: Escape ends the search."

    def action_help(self) -> None:
        from .screens.help import HelpScreen

        step = self.pane.step
        groups = keytable.groups(self, self.pane, step.title)
        if self.session.pace is not None:
            groups[-1][1].append((".", "Pause the replay / go on"))
        self.app.push_screen(HelpScreen(step.title, step.does, groups))

    def actions(self) -> list[tuple[str, str, Callable[[], object]]]:
        """Every action of where you are for the command palette: name, key, what it does."""
        return [
            (one.does, f"key {one.keys}" if one.keys else "", partial(self._act, one.action, one.node))
            for one in keytable.of_place(self, self.pane)
        ]

    async def _act(self, action: str, node: DOMNode) -> None:
        """From the palette: also from a field, which has the letters."""
        if in_field(self):
            self.set_focus(None)
        await self.app.run_action(action, node)
        if self.app.screen is self and self.focused is None:
            self.pane.focus_first()

    async def on_rail_item_chosen(self, event: RailItem.Chosen) -> None:
        await self.go(event.step)

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        by = {"go-back": -1, "go-next": 1}.get(event.button.id or "")
        if by is not None:
            await self.action_step(by)
