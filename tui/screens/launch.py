"""4 Launch: a job file or an earlier run, what it resolves to and what would travel, then the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from core import events
from core.errors import TrainshedError, UsageError
from tui import untrusted, words
from tui.resolved import differences
from tui.session import Session
from tui.widgets.inputs import PREFIX
from tui.widgets.log_view import LogView
from tui.widgets.plan import Phase, Plan, PlanView

from .launch_form import LaunchForm
from .pane import StepPane, Task

REFUSED = "--set "  # how core.jobs.settings begins to say which setting it refuses


class LaunchPane(StepPane):
    STEP = "launch"
    ASKS = "a setting has to be corrected"
    HIDES = frozenset({"b", "r"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "choose", "Job files", id="launch.choose"),
        Binding("s", "start_from", "From a run", id="launch.start_from"),
        Binding("p", "paste", "Paste a job file", show=False, id="launch.paste"),
        Binding("a", "every", "All files and packages by name", show=False, id="launch.every"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.seen: object = None  # what the plan is of
        self.dry = True
        self.form = LaunchForm(session)
        self.view = PlanView(id="plan")
        self.of_file: events.JobResolved | None = None  # of the job file that was looked at last

    def body(self) -> ComposeResult:
        yield self.form
        with VerticalScroll(id="plan-box"):
            yield self.view
        build = LogView(id="build")
        build.display = False
        yield build
        yield Static(id="line")

    def on_mount(self) -> None:
        self.query_one("#plan-box").border_title = "What runs and what leaves this machine"
        self.query_one("#build").border_title = "Environment"
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
        return self.is_mounted and self.seen is not None and self.seen == self.form.asked()

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
        if self.seen is not None and not self.going and not self._is_seen():
            self.status.say("Changed since that look: Enter shows what it does now.")

    def wrong(self, id: str) -> str:
        return self.form.wrong(id)

    def asks(self, error: TrainshedError) -> bool:
        """A setting that the job does not take is told at its field."""
        if not isinstance(error, UsageError) or not error.title.startswith(REFUSED):
            return False
        why, hint = error.title.removeprefix(REFUSED), f" ({error.hint})" if error.hint else ""
        name = why.partition(":")[0].removeprefix("inputs.")
        self.refuse(f"{PREFIX}{name}" if name in self.form.inputs.inputs else "settings", why + hint)
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
        self.plan.every = not self.plan.every
        self.view.draw()
        self.say("Every file and package is named" if self.plan.every else "Long lists are counted")

    def preview(self) -> None:
        self._start(dry=True)

    def launch(self) -> None:
        self._start(dry=False)

    def _start(self, *, dry: bool) -> None:
        if self._busy() or not all(self.right(id) for id in self.form.fields()):
            return
        self.form.forget_other()
        asked = self.form.asked()
        self.dry = dry
        self.view.plan = Plan(None if dry else self.plan.record, hidden=self.plan.hidden, every=self.plan.every)
        self.view.draw()
        self._to_top()

        def done() -> tuple[str, str]:
            self.seen = asked if dry else None  # another launch begins with a look
            return self._read() if dry else self._launched()

        title = f"{'Reading' if dry else 'Launching'} {self.form.source.title}"
        self.operate(
            Task(
                title,
                self._line(dry=dry),
                lambda: self.form.begin(dry=dry),
                done,
                retry=self.preview if dry else self.launch,
                changes=not dry,
                local=dry,
            )
        )

    def _to_top(self) -> None:
        self.call_after_refresh(self.query_one("#plan-box").scroll_home, animate=False)

    def started(self) -> None:
        self.set_class(not self.dry, "-launching")
        self.query_one("#build", LogView).display = False
        self.query_one("#build", LogView).clear()

    def failed(self) -> None:
        self.remove_class("-launching")
        self._end_phase(failed=True)

    def stopped(self) -> None:
        self.failed()

    def receive(self, event: events.Event) -> None:
        match event:
            case events.JobResolved():
                self._resolved(event)
            case events.Notice():
                self.plan.notes.append(event)
            case events.BuildLog() if not self.dry:
                build = self.query_one("#build", LogView)
                build.display = True
                build.append(event.text)
                return
            case events.RunCreated():
                self._made(event)
            case events.DataStaged() if not self.dry:
                self._staged(event)
            case _:
                return
        self.view.draw()

    def _resolved(self, record: events.JobResolved) -> None:
        self.plan.record = record
        if not self.dry:
            return
        self.form.offer(record)
        self.plan.hidden = frozenset(self.form.inputs.inputs)
        origin = self.form.source.origin
        if origin is None:
            self.of_file = record
        elif self.of_file is not None:
            self.plan.unlike = differences(self.of_file, record, origin.run.code_digest)

    def _staged(self, event: events.DataStaged) -> None:
        """A launch stages what its job names: that is the step before, done."""
        self.session.staged = event
        if self.session.journey.states["data"] not in ("done", "going"):
            self.session.journey.finish("data", event.data.digest, words.size(event.data.bytes))

    def _made(self, created: events.RunCreated) -> None:
        if not self.dry:
            self.plan.created = created
            self._to_top()
        elif self.plan.record is None:  # a replay that recorded nothing but the launch: it still says what runs
            self.plan.notes.append(events.Notice(text=f"command: {created.command}"))

    def _take(self, event: events.Event) -> None:
        if isinstance(event, events.Phase) and not self.dry:
            self._end_phase()
            ours = not event.command or event.command.startswith("trainshed ")
            self.plan.phases.append(Phase(event.title, self.session.clock(), "" if ours else event.command))
            self.view.draw()
        super()._take(event)

    def _end_phase(self, *, failed: bool = False) -> None:
        for phase in self.plan.phases[-1:]:
            phase.took, phase.failed = self.session.clock() - phase.began, failed
        self.view.draw()

    def _read(self) -> tuple[str, str]:
        self.session.journey.stop(self.STEP)
        record = self.plan.record
        if record is not None and record.asked:
            self.session.reached(self.STEP)
        said = "That is what would run."
        if record is not None and record.warnings:
            said = f"That is what would run, with {words.plural(len(record.warnings), 'warning')}."
        if self.session.read_only:
            return "pass", f"{said} Read-only: nothing is launched."
        return ("warn" if record and record.warnings else "pass"), f"{said} Press Enter to launch it."

    def _launched(self) -> tuple[str, str]:
        self.remove_class("-launching")
        self.query_one("#build", LogView).display = False
        self._end_phase()
        created = self.plan.created
        if created is None:
            return "warn", "No run was created"
        self.session.run, self.session.run_info, self.session.run_going = created.run, None, True
        self.session.journey.finish(self.STEP, created.run, words.short(created.run))
        self.focus_next_step()
        if not self.display:
            self.say(f"{words.short(created.run)} was started: 5 watches it")
        return "pass", f"The run goes on by itself on {created.vm}. Next shows its log and metrics."
