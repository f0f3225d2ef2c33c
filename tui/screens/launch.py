"""4 Launch: a job file or an earlier run, what it resolves to and what would travel, then the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from core import events
from core.errors import JobChanged, TrainshedError, UsageError
from core.jobs import ulid
from tui import untrusted, words
from tui.resolved import changed
from tui.session import Session
from tui.widgets.inputs import PREFIX
from tui.widgets.plan import Plan

from .launch_form import LaunchForm
from .launch_source import Look
from .launch_view import LaunchView
from .pane import StepPane
from .work import Task

REFUSED = "--set "  # how core.jobs.settings begins to say which setting it refuses
CORRECT, CHANGED = "a setting has to be corrected", "it changed since you looked"


class LaunchPane(StepPane):
    STEP = "launch"
    HIDES = frozenset({"b", "r"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "choose", "Job files", id="launch.choose"),
        Binding("s", "start_from", "From a run", id="launch.start_from"),
        Binding("p", "paste", "Paste a job file", show=False, id="launch.paste"),
        Binding("a", "every", "All files and packages by name", show=False, id="launch.every"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.look: Look | None = None  # what a launch would be of
        self.dry = True
        self.from_: Widget | None = None  # what had the focus when the operation began
        self.form = LaunchForm(session)
        self.view = LaunchView(session.clock)

    def body(self) -> ComposeResult:
        yield self.form
        yield self.view
        yield Static(id="line")

    def on_mount(self) -> None:
        self._tell_line()
        first = "Enter shows what the job resolves to." if self.form.filled else "Enter lists the job files near."
        self.status.say(f"{first} Nothing runs before you say Launch.")

    @property
    def plan(self) -> Plan:
        return self.view.plan

    def focus_first(self) -> None:
        if self.form.filled:
            super().focus_first()
        else:
            self.screen.set_focus(self.query_one("#choose"))

    def _is_seen(self) -> bool:
        return self.is_mounted and self.look is not None and self.look.asked == self.form.asked()

    def primary(self) -> tuple[str, Callable[[], object]]:
        return ("Launch", self.launch) if self._is_seen() else ("Show what it does", self.preview)

    def cli(self) -> str:
        return self._line(dry=not self._is_seen())

    def _line(self, *, dry: bool) -> str:
        return self.session.line(*self.form.line(), *(["--dry-run"] if dry else []))

    def relabel(self) -> None:
        super().relabel()
        self._tell_line()

    def _tell_line(self) -> None:
        text = untrusted.plain(self.cli())
        self.query_one("#line", Static).update(Content.assemble(("$ ", "$muted"), (text, "bold")))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.form.changed(event.input)
        self.relabel()
        if self.look is not None and not self.going and not self._is_seen():
            self.status.say("Changed since that look: Enter shows what it does now.")

    def wrong(self, id: str) -> str:
        return self.form.wrong(id)

    def asks(self, error: TrainshedError) -> bool:
        """A setting that the job does not take is told at its field; what changed since the look is looked at again."""
        if isinstance(error, JobChanged):
            self.ASKS, self.look = CHANGED, None
            self.call_later(self._start, dry=True, since=changed(error))
            return True
        if not isinstance(error, UsageError) or not error.title.startswith(REFUSED):
            return False
        self.ASKS = CORRECT
        why, hint = error.title.removeprefix(REFUSED), f" ({error.hint})" if error.hint else ""
        group, _, name = why.partition(":")[0].partition(".")
        typed_there = group == "inputs" and name in self.form.inputs.inputs
        self.refuse(f"{PREFIX}{name}" if typed_there else "settings", why + hint)
        return True

    def action_choose(self) -> None:
        if not self._busy():
            self.form.source.choose()

    def action_paste(self) -> None:
        if not self._busy():
            self.form.source.paste()

    def action_start_from(self) -> None:
        if not self._busy():
            self.form.source.start_from()

    def _busy(self) -> bool:
        if self.going:
            self.say("Still going. Escape stops it.")
        return self.going

    def on_launch_source_chosen(self) -> None:
        self.relabel()
        self.focus_first()
        if self.form.filled:
            self.preview()

    def action_every(self) -> None:
        if self.plan.record is None:
            self.say("Nothing was resolved yet: Enter shows what the job does")
            return
        every = self.view.toggle_every()
        self.say("Every file and package is named" if every else "Long lists are counted")

    def preview(self) -> None:
        self._start(dry=True)

    def launch(self) -> None:
        """Of what was looked at; where that is not what the form has now, a look."""
        self._start(dry=not self._is_seen())

    def _start(self, *, dry: bool, since: Sequence[str] = ()) -> None:
        if not self.is_attached or self._busy() or not all(self.right(id) for id in self.form.fields()):
            return
        self.form.forget_other()
        asked = self.form.asked()
        self.dry, self.from_ = dry, self.screen.focused
        self.look = look = None if dry else self.look
        self.view.fresh(dry=dry, since=since)

        def done() -> tuple[str, str]:
            found = self.plan.record
            self.look = Look(asked, found.digest if found else "", ulid.new()) if dry else None
            return self._read() if dry else self._launched()

        title = f"{'Reading' if dry else 'Launching'} {self.form.source.title}"
        self.operate(
            Task(
                title,
                self._line(dry=dry),
                lambda: self.form.begin(look),
                done,
                retry=self.preview if dry else self.launch,
                changes=not dry,
                local=dry,
            )
        )
        if self.going and not dry:
            self._leave_form()

    def _leave_form(self) -> None:
        """What is typed from now on edits no field of a run that is made."""
        focused = self.screen.focused
        if self.display and focused is not None and self.form in focused.ancestors:
            self.focus_first()

    def started(self) -> None:
        self.set_class(not self.dry, "-launching")
        self.view.started()
        self.relabel()

    def failed(self) -> None:
        self.remove_class("-launching")
        self.view.ended(failed=True)
        self.relabel()

    def stopped(self) -> None:
        self.failed()

    def how_stopped(self, task: Task) -> str:
        launched = "stopped. If its run was made by then, it goes on, and Enter finds it."
        return launched if task.changes else super().how_stopped(task)

    def receive(self, event: events.Event) -> None:
        if isinstance(event, events.JobResolved):
            if self.dry:
                self.form.offer(event)
            self.view.resolved(event, self.form.source.origin, frozenset(self.form.inputs.inputs))
            return
        if isinstance(event, events.DataStaged) and not self.dry:
            self._staged(event)
        self.view.receive(event)

    def _staged(self, event: events.DataStaged) -> None:
        """A launch stages what its job names: that is the step before, done."""
        self.session.staged = event
        if self.session.journey.states["data"] not in ("done", "going"):
            self.session.journey.finish("data", event.data.digest, words.size(event.data.bytes))

    def _take(self, event: events.Event) -> None:
        if isinstance(event, events.Phase):
            self.view.phase(event)
        super()._take(event)

    def _read(self) -> tuple[str, str]:
        self.session.journey.stop(self.STEP)
        self.session.journey.withdraw(self.STEP)
        record = self.plan.record
        if record is not None and record.asked:
            self.session.reached(self.STEP)
        if self._is_seen() and self.display and self.screen.focused in (None, self.from_):
            super().focus_first()  # the next Enter launches
        status = "warn" if self.view.careful else "pass"
        if self.session.read_only:
            return status, f"{self.view.said} Read-only: nothing is launched."
        return status, f"{self.view.said} Press Enter to launch it."

    def _launched(self) -> tuple[str, str]:
        self.remove_class("-launching")
        self.view.ended()
        created = self.plan.created
        if created is None:
            return "warn", "No run was created"
        self.session.run, self.session.run_info, self.session.run_going = created.run, None, True
        self.session.journey.finish(self.STEP, created.run, words.short(created.run))
        self.focus_next_step()
        if not self.display:
            self.say(f"{words.short(created.run)} was started: 5 watches it")
        if created.existed:
            return (
                "pass",
                f"It was started by an earlier try and goes on by itself on {created.vm}. Next shows its log.",
            )
        return "pass", f"The run goes on by itself on {created.vm}. Next shows its log and metrics."
