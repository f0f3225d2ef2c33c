"""What a launch says: what it resolves to, how far it is, and the log of a build while there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from core import events
from tui import words
from tui.resolved import differences
from tui.widgets.log_view import LogView
from tui.widgets.plan import Plan, PlanView

from .start_from import Origin


class LaunchView(Vertical):
    """`clock`: seconds, for how long a phase takes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(id="launch-view")
        self.clock = clock
        self.dry = True
        self.view = PlanView(id="plan")
        self.of_file: events.JobResolved | None = None  # of the job file that was looked at last

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="plan-box"):
            yield self.view
        build = LogView(id="build")
        build.display = False
        yield build

    def on_mount(self) -> None:
        self.query_one("#plan-box").border_title = "What runs and what leaves this machine"
        self.build.border_title = "Environment"

    @property
    def plan(self) -> Plan:
        return self.view.plan

    @property
    def build(self) -> LogView:
        return self.query_one("#build", LogView)

    def fresh(self, *, dry: bool, since: Sequence[str] = ()) -> None:
        """For a look, or for a launch of what was looked at. `since`: what changed since the look before."""
        before, self.dry = self.plan, dry
        record = None if dry else before.record
        self.view.plan = Plan(record, hidden=before.hidden, every=before.every, since=list(since))
        self.view.draw()
        self._to_top()

    def started(self) -> None:
        self.build.display = False
        self.build.clear()

    def ended(self, *, failed: bool = False) -> None:
        if not failed:
            self.build.display = False
        self.plan.end(self.clock(), failed=failed)
        self.view.draw()

    def phase(self, event: events.Phase) -> None:
        if not self.dry:
            self.plan.begin(event.title, event.command, self.clock())
            self.view.draw()

    def resolved(self, record: events.JobResolved, origin: Origin | None, hidden: frozenset[str]) -> None:
        """`origin`: the run that it starts from. `hidden`: inputs that are fields elsewhere."""
        if self.dry:
            self.plan.record, self.plan.hidden = record, hidden
            if origin is None:
                self.of_file = record
            elif self.of_file is not None:
                self.plan.unlike = differences(self.of_file, record, origin.run.code_digest)
        else:
            self.plan.launches(record)
        self.view.draw()

    def receive(self, event: events.Event) -> None:
        match event:
            case events.BuildLog() if not self.dry:
                self.build.display = True
                self.build.append(event.text)
                return
            case events.Notice():
                self.plan.notes.append(event)
            case events.RunCreated() if not self.dry:
                self.plan.done(event)
                self._to_top()
            case events.RunCreated() if self.plan.record is None:
                # a replay that recorded nothing but the launch: it still says what runs
                self.plan.notes.append(events.Notice(text=f"command: {event.command}"))
            case events.DataStaged() if not self.dry:
                self.plan.staged(event.data)
            case _:
                return
        self.view.draw()

    def toggle_every(self) -> bool:
        self.plan.every = not self.plan.every
        self.view.draw()
        return self.plan.every

    @property
    def said(self) -> str:
        """What a look came to, in a sentence."""
        record = self.plan.record
        if self.plan.since:
            return "It changed since you looked, and nothing was launched. This is what would run now."
        if record is not None and record.not_asked:
            return f"That is what would run, as far as is known here: {record.vm} was not reached."
        if record is not None and record.warnings:
            return f"That is what would run, with {words.plural(len(record.warnings), 'warning')}."
        return "That is what would run."

    @property
    def careful(self) -> bool:
        """Whether a person should look twice before launching."""
        record = self.plan.record
        return bool(self.plan.since or (record is not None and (record.warnings or record.not_asked)))

    def _to_top(self) -> None:
        self.call_after_refresh(self.query_one("#plan-box").scroll_home, animate=False)
