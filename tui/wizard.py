"""The wizard: header, rail, the pane of one step, commands, footer; and the keys that every step shares."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import ActiveBinding, BindingType
from textual.containers import Horizontal, Vertical
from textual.dom import DOMNode
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from . import keytable
from .frame import Frame
from .keys import in_field
from .panes import pane_of
from .session import Session
from .steps import ORDER
from .widgets.key_line import KeyLine, ShownKey
from .widgets.rail import Rail, RailItem
from .wizard_keys import KEYS, LETTERS, shown

if TYPE_CHECKING:
    from textual.widgets import Button

    from .journeys import Keeper
    from .screens.pane import StepPane
    from .widgets.commands import CommandsPane


def _keeper(session: Session) -> Keeper | None:
    if not session.keep:
        return None
    from .journeys import Keeper

    return Keeper(session)


class Keys(KeyLine):
    """Empty until all is there that a key can act on."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def found(self) -> tuple[ShownKey, ...]:
        return super().found() if self.session.painted else ()


class Wizard(Frame[None]):
    BINDINGS: ClassVar[list[BindingType]] = KEYS
    focused = Reactive[Widget | None](None, repaint=False)  # what has it is drawn, not all of the screen

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
        yield Static(self.heading(), id="header")
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
        from .widgets.link_line import LinkLine

        self.app.style_more()  # type: ignore[attr-defined]
        with self.app.batch_update():
            await self.query_one("#right").mount(CommandsPane(self.session))
            await self.mount(self.notice(), before="#main")
            await self.query_one("#right").mount(LinkLine(self.session), before="#panes")
        self.app.stylesheet.update(self)
        self.session.painted = True
        self.refresh_bindings()
        self.complete.set()
        if self.ignored:
            self.pane.say(self.ignored)

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
        if in_field(self):
            return shown(found, lambda key: key == "escape" if key in LETTERS or key == "escape" else None)
        hidden = self.pane.hidden if self.complete.is_set() else frozenset()
        hidden |= {
            key for key, step in (("b", ORDER[0]), ("n", ORDER[-1])) if step == self.here and not self._searching
        }
        return shown(found, lambda key: False if key in hidden else None)

    @property
    def pane(self) -> StepPane:
        return cast("StepPane", self.query_one(f"#{self.here}"))

    def changing(self) -> str:
        """What a step is doing just now that changes something: its title, or nothing."""
        panes = cast("Iterator[StepPane]", self.query(".step").results())
        tasks = (pane.doing for pane in panes if pane.going)
        return next((task.title for task in tasks if task is not None and task.changes), "")

    def _changed(self) -> None:
        self._tell()
        self.call_after_refresh(self.refresh_bindings)  # what has ended has ended then
        if self.is_attached and self.complete.is_set():
            self.pane.noted()
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
            self.query_one("#header", Static).update(self.heading())

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
        return not in_field(self) and not (parameters == (1,) and self._searching)

    @property
    def _searching(self) -> bool:
        """Whether `n` is the next hit."""
        return self.complete.is_set() and self.pane.searching

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
            self.session.to_open = run
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
        if self.pane.edit():
            return
        if self.pane.panel.error is None:
            self.pane.say(f"{self.pane.step.title} has no field. 1 has the address.")
            return
        await self.go("connect")  # what the steps without a field of their own build on
        self.pane.edit()

    def action_escape(self) -> None:
        if self.commands.leave_filter():
            return
        if not (self.pane.leave_field() or self._close_commands() or self.pane.stop()):
            self.pane.say(f"Nothing is going. q quits; {self.session.runs_then()}.")

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
        self.app.push_screen(HelpScreen(step.title, step.does, groups, states=True))

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
