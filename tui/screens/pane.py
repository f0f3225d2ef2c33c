"""What the panes of all six steps have in common: run an operation, show how it goes, keep what was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from core import events
from core.errors import ConnectError, TrainshedError
from tui.session import Session
from tui.steps import BY_ID, ORDER
from tui.widgets.errors import ErrorPanel
from tui.widgets.fields import Row
from tui.widgets.press import Press
from tui.widgets.status import StatusLine

from .tells import Tells
from .work import Task, Work

TRIED = 8  # commands in a report


def _seen(widget: Widget) -> bool:
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))


class StepPane(Vertical, Tells):
    STEP: ClassVar[str]
    HIDES: ClassVar[frozenset[str]] = frozenset()  # shared keys that the footer has no room for
    EMPTY: ClassVar[str] = ""  # what to press first
    ASKS: str = "an answer is needed"

    def __init__(self, session: Session) -> None:
        super().__init__(id=self.STEP, classes="step")
        self.session = session
        self.step = BY_ID[self.STEP]
        self.work = Work(self, take=lambda event: self._take(event))

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

    def how_stopped(self, task: Task) -> str:  # noqa: ARG002
        """What is said of an operation that was stopped."""
        return "stopped"

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
        with Horizontal(classes="buttons"):
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
            self.status.say(f"{said} {self.key('wizard.retry', 'r')} does it again.")

    @property
    def going(self) -> bool:
        return self.work.going

    @property
    def doing(self) -> Task | None:
        return self.work.task

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
        self.work.start(task)

    def leave_panel(self) -> None:
        """The panel is about to go: Textual would give its focus to whatever is near, which may be a field."""
        focused = self.screen.focused
        if focused is not None and self.panel in focused.ancestors:
            self.focus_first()

    def _take(self, event: events.Event) -> None:
        self.session.on_seen(event)
        match event:
            case events.Phase():
                self.status.phase(event.title)
                self.work.note(event.command)
            case events.Progress():
                self.status.move(event)
            case _:
                self.receive(event)

    def reached(self) -> None:
        """Another step reached the VM: an error of the connection that is still shown here is over."""
        error = self.panel.error
        if isinstance(error, ConnectError) and not self.going and (error.retryable or ORDER[0] != self.STEP):
            self.panel.clear()
            self.forgiven()
            self.session.journey.forget(self.STEP)
            self.status.say(f"The VM is reached again: {self.key('wizard.retry', 'r')} goes on here.")

    def forgiven(self) -> None:
        """What else of the pane said that the connection failed."""

    def show_error(self, error: TrainshedError) -> None:
        """Who is in a field stays there, with what was typed: Enter tries again."""
        if isinstance(error, ConnectError) and error.retryable:
            self.session.link.failed()
        self.panel.tell(error, focus=self.display and not self.typing())

    def typing(self) -> bool:
        focused = self.screen.focused
        return isinstance(focused, Input) and self in focused.ancestors

    def stop(self) -> bool:
        """Stops what is going; False where nothing is."""
        return self.work.stop()

    def retry(self) -> None:
        again = self.work.again if self.panel.error is not None else None
        (again or self.primary()[1])()

    def key(self, id: str, own: str) -> str:
        """How the key of a binding is written now; `own`: where nobody changed it."""
        written: str = self.app.key_of(id, own)  # type: ignore[attr-defined]
        return written

    def ways_out(self) -> str:
        """What ctrl+c could have meant, and the keys that do it."""
        in_field = isinstance(self.screen.focused, Input)
        key = self.key("app.quit", "ctrl+q") if in_field else self.key("wizard.quit", "q")
        return " ".join((f"{key} quits; {self.session.runs_then()}.", *self.ways_to_stop()))

    def ways_to_stop(self) -> list[str]:
        return ["Escape stops what is going here."] if self.going else []

    def copy(self) -> None:
        """The report of the error that is shown, else the equal command line."""
        tried = [command.text for command in self.session.commands[-TRIED:]]
        if not self.copy_report(self.STEP, self.cli(), tried):
            self.app.copy_to_clipboard(self.cli())
            self.say(f"Sent to the terminal's clipboard: {self.cli()}")

    def edit(self) -> bool:
        """Puts the cursor into the first field; False where the step has none."""
        fields = [field for field in self.query(Input).results() if _seen(field)]
        if fields:
            self.screen.set_focus(fields[0])
        return bool(fields)

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
