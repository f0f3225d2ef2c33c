"""4 Launch: a job file, what it resolves to and what would travel, then the run."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path

from core import events
from core.errors import JobChanged, UsageError
from core.jobs import ulid
from core.site import paths

from ..assignments import parsed
from ..resolved import changed
from .prompts import Choice
from .step import PlainStep
from .talk import Doing


class PlainLaunch(PlainStep):
    STEP = "launch"
    seen: tuple[str, str] | None = None  # the job and settings that were looked at
    digest = ""  # of what they came to: a launch of anything else is refused
    run = ""  # the ULID that its run gets: another try of the same launch finds what the first one started
    last = ""  # the digest that was told last
    created: events.RunCreated | None = None

    def _asked(self) -> tuple[str, str]:
        return self.typed("job", str(self.session.job or "")), self.typed("settings")

    def choices(self) -> list[Choice]:
        job, settings = self._asked()
        named = (job or "a job file") + (f" with {settings}" if settings else "")
        return [
            Choice("look", f"See what {named} resolves to and what would travel; nothing runs", self.look),
            Choice("launch", f"Launch {named} on the VM", self.launch),
            Choice("change", "Change the job file or its settings", self.change),
        ]

    @property
    def usual(self) -> str:
        return super().usual or ("launch" if self.seen == self._asked() else "look")

    async def change(self) -> None:
        job, _ = self._asked()
        await self.ask("job", "Job file", "path of an Azure ML command job, such as job.yml", job)
        await self.ask("settings", "Settings", "optional, such as inputs.lr=0.1 inputs.epochs=20")

    async def look(self) -> None:
        await self._start(dry=True)

    async def launch(self) -> None:
        if self.seen != self._asked():
            self.talk.say("Look first: what runs and what would travel is shown before anything starts.")
            return
        self.created = None
        await self._start(dry=False)

    async def repeat(self) -> None:
        await self._start(dry=self.again is None or not self.again.changes or self.seen != self._asked())

    async def _start(self, *, dry: bool) -> None:
        if not self._asked()[0]:
            await self.change()
        job, settings = self._asked()
        try:
            pairs = shlex.split(settings)
            values = parsed(pairs, "Settings:", "inputs.lr=0.1")
        except (ValueError, UsageError) as error:
            self.talk.say(f"{error}. Choose change to correct it.")
            return
        if not job:
            self.talk.say("Without a job file there is nothing to launch.")
            return
        words = ("run", job, *(f"--set={pair}" for pair in pairs), *(["--dry-run"] if dry else []))
        bound = {"dry": True} if dry else {"seen": self.digest, "run": self.run}
        begin = partial(self.session.services.runs.launch, paths.expanded(job), settings=values, **bound)
        title = f"{'Reading' if dry else 'Launching'} {Path(job).name}"
        await self.operate(Doing(title, words, begin, changes=not dry))
        if isinstance(self.talk.failure, JobChanged):
            self.seen = None
            self.talk.say(*(f"  {each}" for each in changed(self.talk.failure)))

    def receive(self, event: events.Event) -> None:
        if isinstance(event, events.RunCreated):
            self.created = event
        elif isinstance(event, events.JobResolved):
            self.last = event.digest
        elif isinstance(event, events.DataStaged):
            self.session.staged = event

    def done(self, doing: Doing) -> None:
        if not doing.changes:
            self.seen, self.digest, self.run = self._asked(), self.last, ulid.new()
            self.session.journey.stop(self.STEP)
            self.session.journey.withdraw(self.STEP)
            self.talk.say("That is what would run. Launch starts it.")
            return
        self.seen = None  # another launch begins with a look
        if self.created is None:
            self.talk.say("No run was created.")
            return
        self.session.run, self.session.run_going = self.created.run, True
        self.finish(self.created.run, f"run {self.created.run} was started")
        self.talk.say(f"The run goes on by itself on {self.created.vm}. Next follows its log and metrics.")
