"""4 Launch: a job file or an earlier run, what it resolves to and what would travel, then the run."""

from __future__ import annotations

import shlex
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
from tui.widgets.fields import Field, Row
from tui.widgets.inputs import PREFIX, InputFields
from tui.widgets.log_view import LogView
from tui.widgets.plan import Phase, Plan, PlanView

from .launch_source import LaunchSource
from .pane import StepPane, Task

REFUSED = "--set "  # how core.jobs.settings begins to say which setting it refuses


class LaunchPane(StepPane):
    STEP = "launch"
    ASKS = "a setting has to be corrected"
    HIDES = frozenset({"b", "r"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "choose", "Job files"),
        Binding("s", "start_from", "From a run"),
        Binding("p", "paste", "Paste a job file", show=False),
        Binding("a", "every", "All files and packages by name", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.seen: object = None  # what the plan is of
        self.dry = True
        self.view = PlanView(id="plan")
        self.of_file: events.JobResolved | None = None  # of the job file that was looked at last

    def body(self) -> ComposeResult:
        yield LaunchSource(self.session)
        yield InputFields(id="inputs")
        yield Row("More", Field(id="settings", placeholder="optional: inputs.learning_rate=0.01 tags.team='ward 7'"))
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
        first = "Enter shows what the job resolves to." if self.source.job else "Enter lists the job files near."
        self.status.say(f"{first} Nothing runs before you say Launch.")

    @property
    def plan(self) -> Plan:
        return self.view.plan

    @property
    def source(self) -> LaunchSource:
        return self.query_one(LaunchSource)

    @property
    def inputs(self) -> InputFields:
        return self.query_one("#inputs", InputFields)

    def focus_first(self) -> None:
        if self.source.job or self.source.origin:
            super().focus_first()
        else:
            self.screen.set_focus(self.query_one("#choose"))

    # What would be launched.

    def _asked(self) -> object:
        """All that the plan depends on."""
        try:
            return self.source.key, self._settings()
        except ValueError:
            return self.source.key, self.value("settings")

    def _is_seen(self) -> bool:
        return self.is_mounted and self.seen is not None and self.seen == self._asked()

    def _settings(self) -> dict[str, str]:
        """Raises ValueError."""
        found: dict[str, str] = {}
        for part in shlex.split(self.value("settings")):
            name, equals, value = part.partition("=")
            if not name or not equals:
                raise ValueError(f"{part[:40]!r} is not NAME=VALUE, such as inputs.learning_rate=0.01")
            found[name] = value
        return found | (self.inputs.changed() if self._has_fields() else {})

    def _has_fields(self) -> bool:
        """Whether the fields are those of what would be launched."""
        return self.inputs.source == self.source.key[0]

    def primary(self) -> tuple[str, Callable[[], object]]:
        return ("Launch", self.launch) if self._is_seen() else ("Show what it does", self.preview)

    def cli(self) -> str:
        return self._line(dry=not self._is_seen())

    def _line(self, *, dry: bool) -> str:
        try:
            settings = self._settings()
        except ValueError:
            settings = {}
        line = self.source.line()
        for name, value in settings.items():
            line += ["--set", f"{name}={value}"]
        return self.session.line(*line, *(["--dry-run"] if dry else []))

    def relabel(self) -> None:
        super().relabel()
        self._tell_line()

    def _tell_line(self) -> None:
        text = untrusted.plain(self.cli())
        self.query_one("#line", Static).update(Content.assemble(("$ ", "$muted"), (text, "bold")))

    # Fields.

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        id = event.input.id or ""
        if id.startswith(PREFIX):
            row = next(row for row in event.input.ancestors if isinstance(row, Row))
            row.refuse(self.wrong(id))
        elif not self._has_fields():
            self.inputs.forget()
        self.relabel()
        if self.seen is not None and not self.going and not self._is_seen():
            self.status.say("Changed since that look: Enter shows what it does now.")

    def wrong(self, id: str) -> str:
        if id.startswith(PREFIX):
            return self.inputs.wrong(id.removeprefix(PREFIX))
        if id == "job":
            none = "Choose a job file first: o lists those near, p pastes one"
            return "" if self.source.job or self.source.origin else none
        try:
            self._settings()
        except ValueError as error:
            return str(error)
        return ""

    def _all_right(self) -> bool:
        wrong = self.inputs.first_wrong() if self._has_fields() else ""
        return self.right("job") and self.right("settings") and (not wrong or self.right(f"{PREFIX}{wrong}"))

    def asks(self, error: TrainshedError) -> bool:
        """A setting that the job does not take is told at its field."""
        if not isinstance(error, UsageError) or not error.title.startswith(REFUSED):
            return False
        hint = f" ({error.hint})" if error.hint else ""
        self.refuse("settings", error.title.removeprefix(REFUSED) + hint)
        return True

    # Where it comes from.

    def action_choose(self) -> None:
        if not self._busy():
            self.source.choose()

    def action_paste(self) -> None:
        if not self._busy():
            self.source.paste()

    def action_start_from(self) -> None:
        if not self._busy():
            self.source.start_from()

    def _busy(self) -> bool:
        if self.going:
            self.say("Still going. Escape stops it.")
        return self.going

    def on_launch_source_chosen(self) -> None:
        self.relabel()
        self.focus_first()
        if self.source.job or self.source.origin:
            self.preview()

    def action_every(self) -> None:
        if self.plan.record is None:
            self.say("Nothing was resolved yet: Enter shows what the job does")
            return
        self.plan.every = not self.plan.every
        self.view.draw()
        self.say("Every file and package is named" if self.plan.every else "Long lists are counted")

    # The look, then the launch.

    def preview(self) -> None:
        self._start(dry=True)

    def launch(self) -> None:
        self._start(dry=False)

    def _start(self, *, dry: bool) -> None:
        if self._busy() or not self._all_right():
            return
        if not self._has_fields():
            self.inputs.forget()
        settings, asked = self._settings(), self._asked()
        self.dry = dry
        self.view.plan = Plan(None if dry else self.plan.record, hidden=self.plan.hidden, every=self.plan.every)
        self.view.draw()

        def done() -> tuple[str, str]:
            self.seen = asked if dry else None  # another launch begins with a look
            return self._read() if dry else self._launched()

        title = f"{'Reading' if dry else 'Launching'} {self.source.title}"
        self.operate(
            Task(
                title,
                self._line(dry=dry),
                lambda: self.source.begin(settings, dry=dry),
                done,
                retry=self.preview if dry else self.launch,
                changes=not dry,
                local=dry,
            )
        )

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
        self.source.like = record.name, record.experiment
        self.inputs.offer(self.source.key[0], record)
        self.plan.hidden = frozenset(self.inputs.inputs)
        origin = self.source.origin
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
