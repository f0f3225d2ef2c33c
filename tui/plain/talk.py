"""What the steps of the plain journey share: the session, the answers so far, and one operation at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from core import events
from core.errors import TrainshedError
from core.services import Events

from .. import driver, questions, report
from ..session import Session
from ..settings import Settings
from ..text import stripped
from ..untrusted import event as harmless_event
from ..words import duration
from .prompts import Prompts
from .telling import Teller


@dataclass(frozen=True)
class Doing:
    """One operation. `line`: the words of the equal command line. `asks`: `begin` takes the answers of a connection.

    `counts`: the step's state follows it.
    """

    title: str
    line: tuple[str, ...]
    begin: Callable[..., Events]
    changes: bool = False
    asks: bool = False
    counts: bool = True


class Talk:
    def __init__(self, settings: Settings, session: Session) -> None:
        self.session = session
        self.job = driver.Job(settings, together=True, read=self._ask)
        self.output = self.job.output
        self.prompts = Prompts(self.output, self.advice)
        self.typed: dict[str, str] = {}  # step.field -> what was typed
        self.failure: TrainshedError | None = None  # of the last operation
        self._task: asyncio.Task[None] | None = None

    async def _ask(self, prompt: str) -> str:
        return await self.prompts.line(prompt)

    def say(self, *lines: str) -> None:
        self.output.lines(lines)

    def advice(self) -> str:
        """What goes on on the VM when this program ends."""
        if self.session.vm_ends and self.job.run:
            return f"this embedded site ends with the program, and run {self.job.run} with it"
        return self.job.advice()

    def interrupt(self) -> None:
        """Ctrl-C: ends what is going and leads back to the question; at a question it leaves."""
        if not self.prompts.interrupt() and self._task is not None:
            self._task.cancel()

    async def field(self, step: str, name: str, label: str, hint: str, default: str = "") -> None:
        key = f"{step}.{name}"
        self.typed[key] = await self.prompts.field(label, self.typed.get(key, default), hint)

    async def operate(self, step: str, doing: Doing, receive: Callable[[events.Event], None]) -> bool:
        """Whether the operation ended well; an error and a stop are told, and nothing that was typed is lost."""
        session, self.failure = self.session, None
        if session.read_only and doing.changes:
            self.say("Read-only: this would change something. Start without --read-only to do it.")
            return False
        self.say(f"{doing.title}. The same on the command line: {session.line(*doing.line)}", "Ctrl-C stops this.")
        if doing.counts:
            session.journey.begin(step)
        self.job.questions = questions.Questions(self.job.settings, self.output, self._ask)
        began = session.clock()
        teller = Teller(self.output, session.clock)
        self._task = asyncio.create_task(self._consume(doing, receive, teller))
        try:
            await self._task
        except TrainshedError as error:
            if error.exit_code == 130:
                raise
            if doing.counts:
                session.journey.fail(step)
            self.failure = error
            if teller.build:
                self.say("The last lines of the build:", *(f"log: {line}" for line in teller.build))
            self._tell_failure(error, session.clock() - began)
            return False
        except asyncio.CancelledError:
            if doing.counts:
                session.journey.stop(step)
            if not self._stopped_here():
                raise
            self.say("Stopped. What was started on the VM goes on." if self.job.run else "Stopped.")
            return False
        finally:
            self._task = None
        return True

    @staticmethod
    def _stopped_here() -> bool:
        """Whether Ctrl-C ended the operation alone, and no signal the program."""
        ours = asyncio.current_task()
        return ours is not None and ours.cancelling() == 0

    async def _consume(self, doing: Doing, receive: Callable[[events.Event], None], teller: Teller) -> None:
        services = self.session.services
        happening = (
            driver.asking(self.job.questions, doing.begin)
            if doing.asks
            else driver.answered(self.job, services, lambda _services: doing.begin())
        )
        try:
            async with aclosing(cast("Any", happening)) as happened:
                async for raw in happened:
                    event = raw if isinstance(raw, events.LogText) else harmless_event(raw)
                    self.job.see(event)
                    receive(event)
                    teller.tell(event)
        finally:
            teller.end()

    def _tell_failure(self, error: TrainshedError, took: float) -> None:
        self.say(f"Failed after {duration(took)}: {stripped(error.title)}")
        if error.hint:
            self.say(f"What to do: {stripped(error.hint)}")
        for name, value in error.facts.items():
            if name != "randomart" and isinstance(value, str | int):
                self.say(f"  {name}: {stripped(str(value))}")
        self.say('What was typed is kept. "again" tries once more.')

    async def report(self, step: str, command: str) -> None:
        """The last error as somebody can send it, also in a file of its owner alone."""
        if self.failure is None:
            return
        text = stripped(report.of_error(self.failure, step, command))
        path = report.save(text, self.session.site, "last-error.txt")
        self.say(*text.splitlines(), f"This is also in {path}")
