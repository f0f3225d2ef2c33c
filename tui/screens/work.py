"""An operation of a step: started once at a time, its events handed to the pane, its end told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.worker import Worker

from core import events
from core.errors import TrainshedError
from core.services import Events
from tui import untrusted, words

if TYPE_CHECKING:
    from tui.session import Session

    from .pane import StepPane

TURN_S = 0.005  # after this much work on events the loop gets a turn


@dataclass(frozen=True)
class Task:
    """One operation of a step. `begin` makes its events, `done` is called when they end well."""

    title: str
    command: str  # the equal command line
    begin: Callable[[], Events]
    done: Callable[[], tuple[str, str]]  # a key of words.STATUS, and how it ended
    retry: Callable[[], object]
    changes: bool = False  # something on the VM or in the site: refused in read-only
    counts: bool = True  # the step's state follows it
    local: bool = False  # it asks nothing of the VM
    part: str = ""  # which part of the step it is, where a step has several


@asynccontextmanager
async def closing(events: Events) -> AsyncIterator[Events]:
    """Closes the iterator however the block ends: that is what cancels the work."""
    try:
        yield events
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()


@asynccontextmanager
async def heard(session: Session, stream: Events) -> AsyncIterator[Events]:
    """The same events, of which the session is told what they say of the link and of runs; closed as by `closing`.

    An error has no secret in it, as that of a step has none.
    """

    async def told() -> Events:
        async for event in stream:
            session.on_seen(event)
            yield event

    try:
        async with closing(stream), closing(told()) as events:
            yield events
    except TrainshedError as error:
        from tui import report

        report.clean(error)
        raise


class Work:
    """What one pane is doing. The pane is told by `started`, `failed`, `stopped`, `asks`, and each event by `take`."""

    def __init__(self, pane: StepPane, take: Callable[[events.Event], None]) -> None:
        self.pane, self.session, self.step = pane, pane.session, pane.STEP
        self.take = take
        self.task: Task | None = None
        self.worker: Worker[None] | None = None
        self.again: Callable[[], object] | None = None  # what Retry does

    @property
    def going(self) -> bool:
        return self.worker is not None and self.worker.is_running

    def start(self, task: Task) -> None:
        """Unless something of this step is going."""
        if self.session.read_only and task.changes:
            self.pane.say("Read-only: this would change something. Start without --read-only to do it.")
            return
        if self.going:
            self.pane.say("Still going. Escape stops it.")
            return
        self.again = task.retry
        self.session.ran("cli", task.command)
        self.worker = self.pane.run_worker(self._run(task), name=task.title, group=self.step)

    def stop(self) -> bool:
        """Stops what is going; False where nothing is."""
        if not self.going or self.worker is None:
            return False
        self.worker.cancel()
        return True

    async def _run(self, task: Task) -> None:
        self.task = task
        self.pane.leave_panel()
        self.pane.panel.clear()
        self.pane.started()
        self.pane.status.start(task.title)
        if task.counts:
            self.session.journey.begin(self.step)
        ended = False
        try:
            await self.consume(task.begin())
            ended = True
        except TrainshedError as error:
            from tui import report

            ended = True
            self._failed(task, report.clean(error))
        else:
            status, said = task.done()
            self.pane.status.end(words.STATUS[status].glyph, said, words.STATUS[status].style)
            self.pane.relabel()
            if not task.local:
                self.session.reached(self.step)
        finally:
            if not ended:
                self._stopped(task)
            self.task = None  # it can hold an answer that was a secret

    async def consume(self, stream: Events) -> None:
        turn = time.monotonic()
        async with closing(stream):
            async for event in stream:
                self.take(untrusted.event(event))
                if time.monotonic() - turn > TURN_S:
                    await asyncio.sleep(0)
                    turn = time.monotonic()

    def _failed(self, task: Task, error: TrainshedError) -> None:
        pane, journey = self.pane, self.session.journey
        if pane.asks(error):
            pane.status.end("?", f"{task.title}: {pane.ASKS}", "$text-accent")
            journey.stop(self.step)
            pane.stopped()
            return
        said = f"{task.title}: failed after {words.duration(pane.status.elapsed)}"
        said += ". Enter tries again; Escape gives the keys back." if pane.typing() else ""
        pane.status.end("✗", said, "$text-error")
        if task.counts:
            journey.fail(self.step)
        pane.failed()
        pane.show_error(error)

    def _stopped(self, task: Task) -> None:
        if not self.pane.is_attached:
            return
        self.pane.stopped()
        self.pane.status.end("–", f"{task.title}: {self.pane.how_stopped(task)}", "$muted")
        if task.counts:
            self.session.journey.stop(self.step)

    def note(self, command: str) -> None:
        """A command of a phase, unless it says again what the task itself is."""
        words_of = command.split()
        if not words_of:
            return
        if words_of[0] != "trainshed":
            self.session.ran("vm", command)
        elif self.task is None or not set(words_of[1:2]) & set(self.task.command.split()):
            self.session.ran("cli", command)
