"""5 Watch: one run, its log line by line, its metrics as sentences."""

from __future__ import annotations

from functools import partial

from core import events

from ..tables import moment
from ..words import short
from .prompts import Choice, shaped
from .step import PlainStep
from .talk import Doing

LISTED = 20


class PlainWatch(PlainStep):
    STEP = "watch"
    runs: list[events.RunInfo] = []  # noqa: RUF012 - replaced, never changed
    ended: events.RunFinished | None = None
    models = False  # whether the run logged one

    def choices(self) -> list[Choice]:
        which = short(self.session.run) if self.session.run else "the latest run"
        return [
            Choice("follow", f"Hear the log and metrics of {which} from its beginning; Ctrl-C stops that", self.follow),
            Choice("choose", "Choose another run", self.choose),
            Choice("cancel", f"Cancel {which}, if it has not ended", self.cancel),
        ]

    async def follow(self) -> None:
        if not self.session.run and not await self._latest():
            return
        run, self.ended, self.models = self.session.run, None, False
        begin = partial(self.session.services.runs.follow, run)
        await self.operate(Doing(f"Following {run}", ("logs", run, "--follow"), begin))

    repeat = follow

    async def _list(self) -> bool:
        self.runs = []
        await self.operate(Doing("Asking for the runs", ("runs",), self.session.services.runs.list))
        if not self.runs and self.talk.failure is None:
            self.talk.say("There is no run yet. Step 4 launches one.")
        return bool(self.runs)

    async def _latest(self) -> bool:
        if await self._list():
            self.session.run = self.runs[0].run
        return bool(self.session.run)

    async def choose(self) -> None:
        if not await self._list():
            return
        for at, info in enumerate(self.runs[:LISTED], 1):
            self.talk.say(f"  {at} {info.run}: {info.name}, {info.state}, {moment(info.created)}")
        answer = await self.talk.prompts.line(shaped("Which run? Its number", "none"))
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(self.runs[:LISTED]):
            chosen = self.runs[int(answer) - 1]
            self.session.run, self.session.run_going = chosen.run, chosen.state not in events.TERMINAL
            self.talk.say(f"{chosen.run} is chosen.")
        elif answer:
            self.talk.say(f"There is no number {answer[:40]!r} in the list.")

    async def cancel(self) -> None:
        run = self.session.run
        if not run or not self.session.run_going:
            self.talk.say("Nothing to cancel: no run that goes on is chosen.")
        elif self.session.read_only:
            self.talk.say("Read-only: the run is not cancelled.")
        elif await self.talk.prompts.sure(f"Cancel {run} on {self.session.vm}? What it logged stays."):
            begin = partial(self.session.services.runs.cancel, run)
            await self.operate(Doing(f"Cancelling {run}", ("cancel", run), begin, changes=True))
        else:
            self.talk.say("The run goes on.")

    def receive(self, event: events.Event) -> None:
        match event:
            case events.RunStateChanged():
                self.session.run_going = event.state not in events.TERMINAL
            case events.Logged(kind="model", run=""):
                self.models = True
            case events.RunFinished():
                self.ended = event
            case events.RunsListed():
                self.runs = sorted(event.runs, key=lambda info: info.created, reverse=True)
            case _:
                pass

    def done(self, doing: Doing) -> None:
        if doing.line[0] != "logs":
            self.session.journey.stop(self.STEP)
            return
        ended = self.ended
        self.session.run_going = False
        if ended is not None and ended.status == "completed":
            self.finish(ended.run, f"run {short(ended.run)} completed")
            then = "Next registers its model." if self.models else "It logged no model to register."
            self.talk.say(f"The run completed. {then}")
        elif ended is not None:
            self.session.journey.fail(self.STEP, ended.status)
            why = ended.reason or f"exit code {ended.exit_code}"
            self.found = f"run {short(ended.run)} {ended.status}: {why}"
            self.talk.say(f"The run ended as {ended.status}: {why}. Step 4 launches it anew.")
