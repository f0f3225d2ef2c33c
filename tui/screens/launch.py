"""4 Launch: a job file, what it resolves to and what would travel, then the run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from core import events
from core.errors import TrainshedError, UsageError
from core.services import Events
from tui import words
from tui.widgets.fields import Field, Row
from tui.widgets.log_view import LogView

from .pane import StepPane, Task

DIGEST = re.compile(r"\b[0-9a-f]{32,128}\b")
BYTES = re.compile(r"\b[0-9]{1,15} bytes\b|(?<=\()[0-9]{1,15}(?=\)$)")
REFUSED = "--set "  # how core.jobs.settings begins to say which setting it refuses
LISTED = 4  # of each list: the rest is counted


class LaunchPane(StepPane):
    STEP = "launch"
    ASKS = "a setting has to be corrected"
    EMPTY = "Press Enter to see what the job resolves to. Nothing runs before you say Launch."

    def body(self) -> ComposeResult:
        job = str(self.session.job) if self.session.job else ""
        yield Row("Job file", Field(job, id="job", placeholder="path of an Azure ML command job, such as job.yml"))
        yield Row("Settings", Field(id="settings", placeholder="optional: inputs.lr=0.1 inputs.epochs=20"))
        with VerticalScroll(id="plan-box"):
            yield Static(id="plan")
        build = LogView(id="build")
        build.display = False
        yield build

    def on_mount(self) -> None:
        self.seen = ""  # the job and settings that the plan is of
        self.dry = True
        self.notes: list[events.Notice] = []
        self.commands: list[tuple[str, str]] = []
        self.created: events.RunCreated | None = None
        self.query_one("#plan-box").border_title = "What runs and what travels"
        self.query_one("#build").border_title = "Environment"

    def focus_first(self) -> None:
        if self.value("job"):
            super().focus_first()
        else:
            self.screen.set_focus(self.query_one("#job"))

    def _asked(self) -> str:
        return f"{self.value('job')}\n{self.value('settings')}" if self.is_mounted else ""

    def primary(self) -> tuple[str, Callable[[], object]]:
        if self.is_mounted and self.seen and self.seen == self._asked():
            return "Launch", self.launch
        return "Show what it does", self.preview

    def cli(self) -> str:
        words = [f"--set={setting}" for setting in self.value("settings").split()]
        dry = [] if self.seen and self.seen == self._asked() else ["--dry-run"]
        return self.session.line("run", self.value("job") or "JOB.yml", *words, *dry)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.relabel()

    def wrong(self, id: str) -> str:
        if id == "job":
            return "" if self.value("job") else "Give the path of a job file first"
        try:
            self._settings()
        except ValueError as error:
            return str(error)
        return ""

    def _settings(self) -> dict[str, str]:
        """Raises ValueError."""
        found: dict[str, str] = {}
        for part in shlex.split(self.value("settings")):
            name, equals, value = part.partition("=")
            if not name or not equals:
                raise ValueError(f"{part[:40]!r} is not NAME=VALUE, such as inputs.lr=0.1")
            found[name] = value
        return found

    def asks(self, error: TrainshedError) -> bool:
        """A setting that the job does not take is told at its field."""
        if not isinstance(error, UsageError) or not error.title.startswith(REFUSED):
            return False
        hint = f" ({error.hint})" if error.hint else ""
        self.refuse("settings", error.title.removeprefix(REFUSED) + hint)
        return True

    def _start(self, *, dry: bool) -> None:
        if not (self.right("job") and self.right("settings")) or self.going:
            return
        job, settings = self.value("job"), self._settings()
        self.notes, self.commands, self.dry = [], [], dry
        self._draw()
        title = f"{'Reading' if dry else 'Launching'} {Path(job).name}"
        asked = self._asked()

        def begin() -> Events:
            runs = self.session.services.runs
            return runs.launch(Path(job).expanduser(), settings=settings, dry=dry)

        def done() -> tuple[str, str]:
            self.seen = asked if dry else ""  # another launch begins with a look
            return self._read() if dry else self._launched()

        again = self.preview if dry else self.launch
        self.operate(Task(title, self.cli(), begin, done, retry=again, changes=not dry, local=dry))

    def preview(self) -> None:
        self._start(dry=True)

    def launch(self) -> None:
        self.created = None
        self._start(dry=False)

    def receive(self, event: events.Event) -> None:
        match event:
            case events.Notice():
                self.notes.append(event)
                self._draw()
            case events.BuildLog() if not self.dry:
                build = self.query_one("#build", LogView)
                build.display = True
                build.append(event.text)
            case events.RunCreated():
                self._made(event)
            case events.DataStaged() if not self.dry:
                self._staged(event)
            case _:
                pass

    def _staged(self, event: events.DataStaged) -> None:
        """A launch stages what its job names: that is the step before, done."""
        self.session.staged = event
        if self.session.journey.states["data"] not in ("done", "going"):
            self.session.journey.finish("data", event.data.digest, words.size(event.data.bytes))

    def _made(self, created: events.RunCreated) -> None:
        if self.dry:  # a replay that recorded nothing but the launch: it still says what runs
            self.notes.append(events.Notice(text=f"command: {created.command}"))
        else:
            self.created = created
        self._draw()

    def _take(self, event: events.Event) -> None:
        if isinstance(event, events.Phase) and event.command and not event.command.startswith("trainshed "):
            self.commands.append((event.title, event.command))
            self._draw()
        super()._take(event)

    def _draw(self) -> None:
        lines: list[Content] = []
        if self.created is not None:
            made = self.created
            lines.append(Content.assemble(("✓ run ", "$text-success"), (made.run, "bold"), f" on {made.vm}"))
            lines.append(Content.assemble(("command ", "$muted"), (made.command, "bold")))
        for title, command in self.commands:
            lines.append(Content.assemble((f"{title}\n", "$muted"), (f"  {command}", "bold")))
        lines += plan(self.notes)
        self.query_one("#plan", Static).update(Content("\n").join(lines))

    def _read(self) -> tuple[str, str]:
        self.session.journey.stop(self.STEP)
        if self.session.read_only:
            return "pass", "That is what would run. Read-only: nothing is launched."
        return "pass", "That is what would run. Press Enter to launch it."

    def _launched(self) -> tuple[str, str]:
        created = self.created
        if created is None:
            return "warn", "No run was created"
        self.session.run, self.session.run_info, self.session.run_going = created.run, None, True
        self.session.journey.finish(self.STEP, created.run, words.short(created.run))
        self.focus_next_step()
        if not self.display:
            self.say(f"{words.short(created.run)} was started: 5 watches it")
        return "pass", f"The run goes on by itself on {created.vm}. Next shows its log and metrics."


def readable(text: str) -> str:
    """A digest by its first 12 characters, a number of bytes as a size: the whole is for the command line to show."""
    text = DIGEST.sub(lambda found: found[0][:12], text)
    return BYTES.sub(lambda found: words.size(int(found[0].removesuffix(" bytes"))), text)


def plan(notes: list[events.Notice]) -> list[Content]:
    """The notices of a launch: the command first, of each indented list only its beginning, no hashes."""
    lines: list[Content] = []
    listed = 0
    for note in notes:
        text = readable(note.text.rstrip(" \\"))
        listed = listed + 1 if text.startswith(" ") else 0
        if text.startswith("command: "):
            command = note.text.removeprefix("command: ")  # as it is: somebody may copy it
            lines.insert(0, Content.assemble(("command ", "$muted"), (command, "bold")))
        elif text.lstrip().startswith("--hash"):
            listed -= 1
        elif listed <= LISTED:
            glyph, style = ("⚠", "$text-warning") if note.level == "warning" else ("·", "$muted")
            shade = "$muted" if listed else ""
            lines.append(Content.assemble((f"{glyph if not listed else ' '} ", style), (text, shade)))
        else:
            more = Content.styled(f"    and {listed - LISTED} more", "$muted")
            lines[-1:] = [more] if listed > LISTED + 1 else [lines[-1], more]
    return lines
