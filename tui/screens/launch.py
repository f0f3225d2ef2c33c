"""4 Launch: a job file or an earlier run, what it resolves to and what would travel, then the run."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from core import events
from core.errors import TrainshedError, UsageError
from core.services import Events
from tui import untrusted, words
from tui.session import Session
from tui.widgets.fields import Field, Row
from tui.widgets.inputs import PREFIX, InputFields
from tui.widgets.log_view import LogView
from tui.widgets.paths import PathSuggester
from tui.widgets.plan import Phase, Plan, PlanView
from tui.widgets.press import Press

from .pane import StepPane, Task
from .start_from import Origin

REFUSED = "--set "  # how core.jobs.settings begins to say which setting it refuses


class LaunchPane(StepPane):
    STEP = "launch"
    ASKS = "a setting has to be corrected"
    EMPTY = "Enter shows what the job resolves to. Nothing runs before you say Launch."
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
        self.origin: Origin | None = None
        self.draft, self.kept_as = "", ""  # of the paste dialogue

    def body(self) -> ComposeResult:
        job = str(self.session.job) if self.session.job else ""
        placeholder = "path of an Azure ML command job, such as job.yml"
        yield Row("Job file", Field(job, id="job", placeholder=placeholder, suggester=PathSuggester()))
        with Horizontal(id="origin"):
            yield Static(id="origin-text")
            yield Press("Use the job file", id="no-origin")
        with Horizontal(id="ways", classes="buttons"):
            yield Press("Job files (o)", id="choose")
            yield Press("Paste one (p)", id="paste")
            yield Press("From a run (s)", id="start-from")
        yield InputFields(id="inputs")
        yield Row("More", Field(id="settings", placeholder="optional: inputs.learning_rate=0.01 tags.team='ward 7'"))
        with VerticalScroll(id="plan-box"):
            yield PlanView(id="plan")
        build = LogView(id="build")
        build.display = False
        yield build
        yield Static(id="line")

    def on_mount(self) -> None:
        self.query_one("#plan-box").border_title = "What runs and what leaves this machine"
        self.query_one("#build").border_title = "Environment"
        self.query_one("#origin").display = False
        self._tell_line()

    @property
    def view(self) -> PlanView:
        return self.query_one("#plan", PlanView)

    @property
    def plan(self) -> Plan:
        return self.view.plan

    @property
    def inputs(self) -> InputFields:
        return self.query_one("#inputs", InputFields)

    def focus_first(self) -> None:
        if self.value("job") or self.origin:
            super().focus_first()
        else:
            self.screen.set_focus(self.query_one("#job"))

    # What would be launched.

    def _source(self) -> str:
        return self.origin.run.run if self.origin else self.value("job")

    def _asked(self) -> object:
        """All that the plan depends on."""
        resume = self.origin is not None and self.origin.resume
        try:
            return self._source(), resume, self._settings()
        except ValueError:
            return self._source(), resume, self.value("settings")

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
        shown = self.inputs.changed() if self.inputs.source == self._source() else {}
        return found | shown

    def primary(self) -> tuple[str, Callable[[], object]]:
        return ("Launch", self.launch) if self._is_seen() else ("Show what it does", self.preview)

    def cli(self) -> str:
        return self._line(dry=not self._is_seen())

    def _line(self, *, dry: bool) -> str:
        try:
            settings = self._settings() if self.is_mounted else {}
        except ValueError:
            settings = {}
        line = ["rerun", self.origin.run.run] if self.origin else ["run", _typed(self.value("job"))]
        line += ["--resume"] if self.origin and self.origin.resume else []
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
            self.inputs.typed[id.removeprefix(PREFIX)] = event.value
            row = next(row for row in event.input.ancestors if isinstance(row, Row))
            row.refuse(self.wrong(id))
        elif id == "job" and self.inputs.source and not self.origin and self.inputs.source != event.value.strip():
            self.inputs.forget()
        self.relabel()

    def wrong(self, id: str) -> str:
        if id.startswith(PREFIX):
            return self.inputs.wrong(id.removeprefix(PREFIX))
        if id == "job":
            return (
                "" if self.value("job") or self.origin else "Choose a job file first: o lists those near, p pastes one"
            )
        try:
            self._settings()
        except ValueError as error:
            return str(error)
        return ""

    def _all_right(self) -> bool:
        wrong = self.inputs.first_wrong() if self.inputs.source == self._source() else ""
        return self.right("job") and self.right("settings") and (not wrong or self.right(f"{PREFIX}{wrong}"))

    def asks(self, error: TrainshedError) -> bool:
        """A setting that the job does not take is told at its field."""
        if not isinstance(error, UsageError) or not error.title.startswith(REFUSED):
            return False
        hint = f" ({error.hint})" if error.hint else ""
        self.refuse("settings", error.title.removeprefix(REFUSED) + hint)
        return True

    # Where it comes from.

    def on_button_pressed(self, event: Button.Pressed) -> None:
        do = {"choose": self.action_choose, "paste": self.action_paste, "start-from": self.action_start_from}
        do["no-origin"] = lambda: self.set_origin(None)
        if event.button.id in do:
            event.stop()
            do[event.button.id]()

    def _busy(self) -> bool:
        if self.going:
            self.say("Still going. Escape stops it.")
        return self.going

    def action_choose(self) -> None:
        from .job_chooser import JobChooser

        if self.session.label == "replay":
            self.say("A replay reads no file: it shows what was recorded.")
        elif not self._busy():
            self.app.push_screen(JobChooser(self.session), self._chosen)

    def action_paste(self) -> None:
        from .job_paste import JobPaste

        if self.session.read_only or self.session.label == "replay":
            self.say("Read-only: no file is written." if self.session.read_only else "A replay reads no file.")
        elif not self._busy():
            dialogue = JobPaste(self.draft, self.kept_as)

            def done(path: str | None) -> None:
                self.draft, self.kept_as = dialogue.draft, dialogue.path
                self._chosen(path)

            self.app.push_screen(dialogue, done)

    def action_start_from(self) -> None:
        from .start_from import StartFrom

        if not self._busy():
            record = self.plan.record
            like = (record.name, record.experiment) if record else ("", "")
            self.app.push_screen(StartFrom(self.session, like), self._start_from)

    def _chosen(self, path: str | None) -> None:
        if path is None:
            return
        self.set_origin(None)
        self.query_one("#job", Input).value = path
        self.inputs.forget()
        self.call_later(self.preview)  # after the field has said that it changed

    def _start_from(self, origin: Origin | None) -> None:
        if origin is not None:
            self.set_origin(origin)
            self.call_later(self.preview)

    def set_origin(self, origin: Origin | None) -> None:
        """`origin`: the run to start from, in place of the job file; that stays as it was typed."""
        if origin != self.origin:
            self.inputs.forget()
        self.origin = origin
        self.query_one("#origin").display = origin is not None
        next(row for row in self.query_one("#job").ancestors if isinstance(row, Row)).display = origin is None
        if origin is not None:
            mark, info = words.RUN[origin.run.state], origin.run
            how = ", begins with its checkpoints" if origin.resume else ""
            self.query_one("#origin-text", Static).update(
                Content.assemble(
                    ("From a run   ", "$muted"),
                    (words.short(info.run), "bold"),
                    f" {untrusted.plain(info.name)} ",
                    (str(mark), mark.style),
                    how,
                )
            )
        self.relabel()

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
        if self.going or not self._all_right():
            if self.going:
                self.say("Still going. Escape stops it.")
            return
        origin, settings, source = self.origin, self._settings(), self._source()
        self.dry = dry
        self.view.plan = Plan(record=None if dry else self.plan.record, every=self.plan.every)
        self.view.draw()
        name = f"run {words.short(source)}" if origin else Path(source).name
        asked = self._asked()

        def begin() -> Events:
            runs = self.session.services.runs
            if origin:
                return runs.rerun(origin.run.run, settings=settings, resume=origin.resume, dry=dry)
            return runs.launch(Path(source).expanduser(), settings=settings, dry=dry)

        def done() -> tuple[str, str]:
            self.seen = asked if dry else None  # another launch begins with a look
            return self._read() if dry else self._launched()

        title, again = f"{'Reading' if dry else 'Launching'} {name}", self.preview if dry else self.launch
        self.operate(Task(title, self._line(dry=dry), begin, done, retry=again, changes=not dry, local=dry))

    def started(self) -> None:
        self.query_one("#build", LogView).display = False
        self.query_one("#build", LogView).clear()

    def failed(self) -> None:
        self._end_phase(failed=True)

    def stopped(self) -> None:
        self._end_phase(failed=True)

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
        if self.dry:
            self.inputs.offer(self._source(), record)

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


def _typed(job: str) -> str:
    """The path as a command line needs it: a shell does not open a quoted `~`, and a dash would be an option."""
    if not job:
        return "JOB.yml"
    path = str(Path(job).expanduser()) if job.startswith("~") else job
    return f"./{path}" if path.startswith("-") else path
