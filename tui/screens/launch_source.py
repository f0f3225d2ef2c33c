"""Where a launch comes from: a job file that is typed, chosen or pasted, or an earlier run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Paste
from textual.message import Message
from textual.widgets import Button, Input, Static

from core.services import Events
from core.site import paths
from tui import untrusted, words
from tui.session import Session
from tui.widgets.fields import Field, Row
from tui.widgets.paths import PathSuggester
from tui.widgets.press import Press

from .start_from import Origin

LONGEST = 40  # characters of a file's name in a title


class Look(NamedTuple):
    """What was looked at, and what a launch is bound to by it."""

    asked: object  # all that was filled in
    digest: str  # of what it resolved to; "" where a recording has none
    run: str  # the ULID that its run gets: when a try is repeated, what an earlier one started is found


class JobField(Field):
    """A path; several lines that are pasted here are a job file, of which a field would keep the first alone."""

    class Pasted(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def on_paste(self, event: Paste) -> None:
        if len(event.text.strip().splitlines()) > 1:
            event.prevent_default()
            event.stop()
            self.post_message(self.Pasted(event.text))


class LaunchSource(Vertical):
    """`origin`: the run to start from, in place of the job file; that stays as it was typed."""

    class Chosen(Message):
        """Somebody chose another one: what it does can be shown."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="source")
        self.session = session
        self.origin: Origin | None = None
        self.like = ("", "")  # (name, experiment) of the job at hand: such runs are offered first
        self.draft, self.kept_as = "", ""  # of the paste dialogue
        self.kept: dict[Path, str] = {}  # files that it wrote, with the digests of what it wrote

    def compose(self) -> ComposeResult:
        job = str(self.session.job) if self.session.job else ""
        placeholder = "path of an Azure ML command job, such as job.yml"
        yield Row("Job file", JobField(job, id="job", placeholder=placeholder, suggester=PathSuggester()))
        with Horizontal(id="origin"):
            yield Static(id="origin-text")
            yield Press("Job file instead", id="no-origin")
        with Horizontal(id="ways", classes="buttons"):
            yield Press("Job files (f)", id="choose")
            yield Press("Paste one (p)", id="paste")
            yield Press("From a run (s)", id="start-from")

    def on_mount(self) -> None:
        self.query_one("#origin").display = False

    @property
    def job(self) -> str:
        return self.query_one("#job", Input).value.strip()

    @property
    def key(self) -> tuple[str, bool]:
        """Tells sources apart."""
        return (self.origin.run.run, self.origin.resume) if self.origin else (self.job, False)

    @property
    def title(self) -> str:
        if self.origin:
            return f"run {words.short(self.origin.run.run)}"
        name = os.path.basename(self.job)  # noqa: PTH119
        return name if len(name) <= LONGEST else f"{name[:LONGEST]}…"

    def line(self) -> list[str]:
        """The words of the command line that name it."""
        if self.origin:
            return ["rerun", self.origin.run.run, *(["--resume"] if self.origin.resume else [])]
        return ["run", _typed(self.job)]

    def begin(self, settings: dict[str, str], look: Look | None) -> Events:
        """`look`: what to launch; None: only a look. Raises ValueError."""
        runs, dry = self.session.services.runs, look is None
        seen, run = (look.digest, look.run) if look is not None else ("", None)
        if self.origin:
            origin, resume = self.origin.run.run, self.origin.resume
            return runs.rerun(origin, settings=settings, resume=resume, new=run, dry=dry, seen=seen)
        return runs.launch(paths.expanded(self.job), settings=settings, run=run, dry=dry, seen=seen)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        do = {"choose": self.choose, "paste": self.paste, "start-from": self.start_from}
        do.get(event.button.id or "", lambda: self._from(None))()

    def choose(self) -> None:
        from .job_chooser import JobChooser

        if self.session.label == "replay":
            self._say("A replay reads no file: it shows what was recorded.")
        else:
            self.app.push_screen(JobChooser(self.session), self._chosen)

    def on_job_field_pasted(self, pasted: JobField.Pasted) -> None:
        from .job_paste import too_large

        why = too_large(pasted.text)
        if why:
            self._say(why)
        else:
            self.paste(pasted.text)

    def paste(self, text: str = "") -> None:
        from .job_paste import JobPaste

        if self.session.read_only:
            self._say("Read-only: no file is written. Start without --read-only to paste one.")
            return
        if self.session.label == "replay":
            self._say("A replay reads no file: it shows what was recorded.")
            return
        dialogue = JobPaste(text or self.draft, self.kept_as, self.kept)

        def done(path: str | None) -> None:
            self.draft, self.kept_as = dialogue.draft, dialogue.path
            self._chosen(path)

        self.app.push_screen(dialogue, done)

    def start_from(self) -> None:
        from .start_from import StartFrom

        def done(origin: Origin | None) -> None:
            if origin is not None:
                self._from(origin)

        self.app.push_screen(StartFrom(self.session, self.like), done)

    def _say(self, text: str) -> None:
        self.notify(text, timeout=4, markup=False)

    def _chosen(self, path: str | None) -> None:
        if path is not None:
            with self.prevent(Input.Changed):
                self.query_one("#job", Input).value = path
            self._from(None)

    def _from(self, origin: Origin | None) -> None:
        self.origin = origin
        self.query_one("#origin").display = origin is not None
        self.query_one(Row).display = origin is None
        if origin is not None:
            mark, info = words.RUN[origin.run.state], origin.run
            self.query_one("#origin-text", Static).update(
                Content.assemble(
                    ("From run     ", "$muted"),
                    (words.short(info.run), "bold"),
                    (f" {mark!s}", mark.style),
                    " · resumes" if origin.resume else "",
                    f" · {untrusted.plain(info.name)}",
                )
            )
        self.post_message(self.Chosen())


def _typed(job: str) -> str:
    """The path as a command line needs it: a shell does not open a quoted `~`, and a dash would be an option."""
    if not job:
        return "JOB.yml"
    path = str(paths.expanded(job)) if job.startswith("~") else job
    return f"./{path}" if path.startswith("-") else path
