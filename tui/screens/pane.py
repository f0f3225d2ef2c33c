"""What the panes of all six steps have in common: run an operation, show how it goes, keep what was typed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Button, Input, Static
from textual.worker import Worker

from core import events
from core.errors import ConnectError, TrainshedError
from core.services import Events
from tui import untrusted, words
from tui.session import Session
from tui.steps import BY_ID, ORDER
from tui.widgets.errors import ErrorPanel
from tui.widgets.fields import Row
from tui.widgets.press import Press
from tui.widgets.status import StatusLine

TRIED = 8  # commands in a report
TURN_S = 0.01  # after this much work on events the loop gets a turn


@dataclass(frozen=True)
class Task:
    """One operation of a step. `begin` makes its events, `done` is called when they end well."""

    title: str
    command: str  # the equal command line
    begin: Callable[[], Events]
    done: Callable[[], tuple[str, str]]  # a key of words.STATUS, and how it ended
    retry: Callable[[], object]
    changes: bool = False  # something on the VM or in the site: refused in read-only
    counts: bool = True  # the step's state follows it
    local: bool = False  # it asks nothing of the VM
    part: str = ""  # which part of the step it is, where a step has several


@asynccontextmanager
async def closing(events: Events) -> AsyncIterator[Events]:
    """Closes the iterator however the block ends: that is what cancels the work."""
    try:
        yield events
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()


def _seen(widget: Widget) -> bool:
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))


class StepPane(Vertical):
    STEP: ClassVar[str]
    HIDES: ClassVar[frozenset[str]] = frozenset()  # shared keys that the footer has no room for
    EMPTY: ClassVar[str] = ""  # what to press first
    ASKS: str = "an answer is needed"

    def __init__(self, session: Session) -> None:
        super().__init__(id=self.STEP, classes="step")
        self.session = session
        self.step = BY_ID[self.STEP]
        self.doing: Task | None = None
        self.worker: Worker[None] | None = None
        self.again: Callable[[], object] | None = None  # what Retry does

    # What a step fills in.

    def body(self) -> ComposeResult:
        yield from ()

    def primary(self) -> tuple[str, Callable[[], object]]:
        """The label of the main button, and what it does."""
        raise NotImplementedError

    def cli(self) -> str:
        """The command line equal to what the main button would do."""
        raise NotImplementedError

    def receive(self, event: events.Event) -> None:
        """One event of the operation, other than a phase, a progress or a notice."""

    def wrong(self, id: str) -> str:  # noqa: ARG002
        """Why the field `id` cannot be taken as it is now; empty where it can."""
        return ""

    def asks(self, error: TrainshedError) -> bool:  # noqa: ARG002
        """Whether a person was asked for what is missing; then it is no failure yet."""
        return False

    # During these three `doing` is the task.

    def started(self) -> None:
        """The operation has really begun."""

    def failed(self) -> None:
        """What the step does about an error, besides showing it."""

    def stopped(self) -> None:
        """Somebody stopped the operation, or it needs an answer first."""

    @property
    def hidden(self) -> frozenset[str]:
        """Keys that the footer has no room for now."""
        return self.HIDES

    @property
    def searching(self) -> bool:
        """Whether `n` is the next hit, not the next step."""
        return False

    def shown(self) -> None:
        """The pane has come to the front."""

    def noted(self) -> None:
        """What is known of a step has changed while the pane is at the front."""

    # What they share.

    def compose(self) -> ComposeResult:
        yield Static(self.step.does, classes="does")
        yield ErrorPanel()
        with Vertical(classes="body"):
            yield from self.body()
        yield StatusLine(self.session.clock)
        with Horizontal(classes="buttons nav"):
            if ORDER[0] != self.STEP:
                yield Press("‹ Back", id="go-back")
            yield Press(self.primary()[0], id="primary", variant="primary")
            if ORDER[-1] != self.STEP:
                yield Press("Next ›", id="go-next")

    def on_mount(self) -> None:
        if self.EMPTY:
            self.status.say(self.EMPTY)
        self.remind()

    def remind(self) -> None:
        """Why the step is stale, or that it was done in an earlier session."""
        said = self.session.journey.told(self.STEP)
        if said and not self.going and self.panel.error is None:
            self.status.say(f"{said} Enter does it again.")

    @property
    def status(self) -> StatusLine:
        return self.query_one(StatusLine)

    @property
    def panel(self) -> ErrorPanel:
        return self.query_one(ErrorPanel)

    @property
    def going(self) -> bool:
        return self.worker is not None and self.worker.is_running

    def focus_first(self) -> None:
        """Enter does what most people want next. At once: it may be the next key."""
        self.screen.set_focus(self.query_one("#primary", Button))

    def focus_next_step(self) -> None:
        if self.screen.focused is None or self.screen.focused.id in ("primary", "retry"):
            self.query_one("#go-next" if ORDER[-1] != self.STEP else "#primary").focus()

    def relabel(self) -> None:
        button = self.query_one("#primary", Button)
        button.label = self.primary()[0]
        button.refresh(layout=True)  # a new label does not ask for room by itself

    def operate(self, task: Task) -> None:
        """Starts `task`, unless something of this step is going."""
        if self.session.read_only and task.changes:
            self.say("Read-only: this would change something. Start without --read-only to do it.")
            return
        if self.going:
            self.say("Still going. Escape stops it.")
            return
        self.again = task.retry
        self.session.ran("cli", task.command)
        self.worker = self.run_worker(self._operate(task), name=task.title, group=self.STEP)

    async def _operate(self, task: Task) -> None:
        self.doing = task
        self._leave_panel()
        self.panel.clear()
        self.started()
        self.status.start(task.title)
        if task.counts:
            self.session.journey.begin(self.STEP)
        ended = False
        try:
            await self._consume(task.begin())
            ended = True
        except TrainshedError as error:
            ended = True
            self._end_failed(task, error)
        else:
            status, said = task.done()
            self.status.end(words.STATUS[status].glyph, said, words.STATUS[status].style)
            self.relabel()
            if not task.local:
                self.session.reached(self.STEP)
        finally:
            if not ended:
                self._end_stopped(task)
            self.doing = None  # it can hold an answer that was a secret

    def _leave_panel(self) -> None:
        """The panel is about to go: Textual would give its focus to whatever is near, which may be a field."""
        focused = self.screen.focused
        if focused is not None and self.panel in focused.ancestors:
            self.focus_first()

    async def _consume(self, stream: Events) -> None:
        turn = time.monotonic()
        async with closing(stream):
            async for event in stream:
                self._take(untrusted.event(event))
                if time.monotonic() - turn > TURN_S:
                    await asyncio.sleep(0)
                    turn = time.monotonic()

    def _take(self, event: events.Event) -> None:
        self.session.on_seen(event)
        match event:
            case events.Phase():
                self.status.phase(event.title)
                self._note(event.command)
            case events.Progress():
                self.status.move(event)
            case _:
                self.receive(event)

    def _note(self, command: str) -> None:
        """A command of a phase, unless it says again what the task itself is."""
        words_of = command.split()
        if not words_of:
            return
        if words_of[0] != "trainshed":
            self.session.ran("vm", command)
        elif self.doing is None or not set(words_of[1:2]) & set(self.doing.command.split()):
            self.session.ran("cli", command)

    def _end_failed(self, task: Task, error: TrainshedError) -> None:
        if self.asks(error):
            self.status.end("?", f"{task.title}: {self.ASKS}", "$text-accent")
            self.session.journey.stop(self.STEP)
            self.stopped()
            return
        said = f"{task.title}: failed after {words.duration(self.status.elapsed)}"
        said += ". Enter tries again; Escape gives the keys back." if self._typing() else ""
        self.status.end("✗", said, "$text-error")
        if task.counts:
            self.session.journey.fail(self.STEP)
        self.failed()
        self.show_error(error)

    def _end_stopped(self, task: Task) -> None:
        if not self.is_attached:
            return
        self.stopped()
        self.status.end("–", f"{task.title}: stopped", "$muted")
        if task.counts:
            self.session.journey.stop(self.STEP)

    def reached(self) -> None:
        """Another step reached the VM: an error of the connection that is still shown here is over."""
        error = self.panel.error
        if isinstance(error, ConnectError) and not self.going and (error.retryable or ORDER[0] != self.STEP):
            self.panel.clear()
            self.forgiven()
            self.session.journey.forget(self.STEP)
            self.status.say("The VM is reached again: press Enter.")

    def forgiven(self) -> None:
        """What else of the pane said that the connection failed."""

    def show_error(self, error: TrainshedError) -> None:
        """Who is in a field stays there, with what was typed: Enter tries again."""
        self.panel.tell(error, focus=self.display and not self._typing())

    def _typing(self) -> bool:
        focused = self.screen.focused
        return isinstance(focused, Input) and self in focused.ancestors

    def stop(self) -> bool:
        """Stops what is going; False where nothing is."""
        if not self.going or self.worker is None:
            return False
        self.worker.cancel()
        return True

    def retry(self) -> None:
        again = self.again if self.panel.error is not None else None
        (again or self.primary()[1])()

    def say(self, text: str) -> None:
        """Why a key did nothing, or what it did."""
        self.notify(text, timeout=4, markup=False)

    def key(self, id: str, own: str) -> str:
        """How the key of a binding is written now; `own`: where nobody changed it."""
        written: str = self.app.key_of(id, own)  # type: ignore[attr-defined]
        return written

    def ways_out(self) -> str:
        """What ctrl+c could have meant, and the keys that do it."""
        in_field = isinstance(self.screen.focused, Input)
        key = self.key("app.quit", "ctrl+q") if in_field else self.key("wizard.quit", "q")
        return " ".join((f"{key} quits; a run on the VM goes on.", *self.ways_to_stop()))

    def ways_to_stop(self) -> list[str]:
        return ["Escape stops what is going here."] if self.going else []

    def copy(self) -> None:
        """The report of the error that is shown, else the equal command line."""
        error = self.panel.error
        if error is None:
            self.app.copy_to_clipboard(self.cli())
            self.say(f"Sent to the terminal's clipboard: {self.cli()}")
            return
        from tui import report

        tried = [command.text for command in self.session.commands[-TRIED:]]
        text = untrusted.plain(report.of_error(error, self.STEP, self.cli(), tried))
        self.app.copy_to_clipboard(text)
        try:
            kept = f", and saved in {report.save(text, self.session.site, 'last-error.txt')}"
        except OSError as failed:
            kept = f"; it could not be saved ({failed.strerror})"
        self.say(f"Sent to the terminal's clipboard{kept}")

    def edit(self) -> bool:
        """Puts the cursor into the first field; False where the step has none."""
        fields = [field for field in self.query(Input).results() if _seen(field)]
        if fields:
            self.screen.set_focus(fields[0])
        return bool(fields)

    def details(self) -> None:
        if self.panel.error is None:
            self.say("No error is shown, so there are no details")
            return
        self.panel.toggle_details()

    def value(self, id: str) -> str:
        return self.query_one(f"#{id}", Input).value.strip()

    def right(self, id: str) -> bool:
        """Whether the field `id` can be taken; else it is said there why not, and that stays until it can."""
        why = self.wrong(id)
        if why:
            self.refuse(id, why)
        return not why

    def refuse(self, id: str, why: str) -> None:
        field = self.query_one(f"#{id}", Input)
        next(row for row in field.ancestors if isinstance(row, Row)).refuse(why)
        if self.display:
            self.screen.set_focus(field)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        row = next((row for row in event.input.ancestors if isinstance(row, Row)), None)
        if row is not None and row.refused:
            row.refuse(self.wrong(event.input.id or ""))

    def on_error_panel_asked(self, event: ErrorPanel.Asked) -> None:
        if event.what == "edit":
            self.run_worker(self.screen.run_action("edit"), group="edit")
            return
        {"retry": self.retry, "copy": self.copy, "details": self.details}[event.what]()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "primary":
            event.stop()
            self.primary()[1]()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.primary()[1]()

    def leave_field(self) -> bool:
        """Escape in a field gives the letters back to the keys."""
        focused: Widget | None = self.screen.focused
        if not isinstance(focused, Input):
            return False
        self.focus_first()
        return True
