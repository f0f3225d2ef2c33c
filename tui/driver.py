"""Runs an operation to its end: narrates on the way, asks what has to be asked, hands back what it found."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar, cast

from core import events
from core.errors import Interrupted, RootNeeded, TrainshedError
from core.services import Events, Services
from core.site.secrets import Secret

from . import questions
from .equal import equal_command
from .narration import narrate
from .settings import Settings

Operation = Callable[[Services], Events]
E = TypeVar("E", bound=events.Event)
T = TypeVar("T")


class Job:
    """One command at work: its output, its questions, and the run that it is about, for whoever interrupts it."""

    def __init__(self, settings: Settings, *, together: bool = False, read: questions.Read | None = None) -> None:
        """`read`: as in `Questions`."""
        self.settings = settings
        self.output = settings.output(together=together)
        self.questions = questions.Questions(settings, self.output, read)
        self.launching = ""  # the id of a run that may not have been made yet
        self.run = ""  # the id of a run that goes on
        self.offset = 0  # how far its log was read

    def see(self, event: events.Event) -> None:
        match event:
            case events.RunCreated():
                self.launching, self.run = "", event.run
            case events.RunStateChanged():
                self.run = "" if event.state in events.TERMINAL else event.run
            case events.LogText():
                self.offset = event.offset + event.size
            case _:
                pass

    def advice(self) -> str:
        """What an interruption did not stop, and how to look at it."""
        if self.run:
            start = ("--from", str(self.offset)) if self.offset else ()
            return f"run {self.run} goes on: {self._equal('logs', self.run, '-f', *start)}"
        if self.launching:
            return f"if run {self.launching} was started, it goes on: {self._equal('show', self.launching)}"
        return ""

    def _equal(self, *words: str) -> str:
        return equal_command(self.settings.found, *words)


async def asking(asked: questions.Questions, start: Callable[..., Events]) -> AsyncGenerator[events.Event, None]:
    """The events of `start(**answers)`, begun again with each answer that a person gives."""
    answers: dict[str, Any] = {}
    while True:
        try:
            async with aclosing(cast("Any", start(**answers))) as happening:
                async for event in happening:
                    yield event
            return
        except questions.ASKED as need:
            answers = await asked.answer(need)
        except TrainshedError as error:
            _forget_secrets(error)
            raise


async def as_root(
    asked: questions.Questions, start: Callable[[Secret | None], Events], given: Callable[[Secret], None]
) -> AsyncGenerator[events.Event, None]:
    """The events of `start(None)`; begun again with the password of sudo where it is needed, which `given` gets too."""
    sudo: Secret | None = None
    while True:
        try:
            async with aclosing(cast("Any", start(sudo))) as happening:
                async for event in happening:
                    yield event
            return
        except RootNeeded as need:
            sudo = asked.sudo(need)
            given(sudo)


async def answered(job: Job, services: Services, operation: Operation) -> AsyncGenerator[events.Event, None]:
    """The operation's events. When its connection has a question, that is made first, and it begins again."""
    while True:
        try:
            async with aclosing(cast("Any", operation(services))) as happening:
                async for event in happening:
                    yield event
            return
        except questions.ASKED as need:
            answers = await job.questions.answer(need)
            connect = partial(services.connection.connect, **answers)
            async with aclosing(asking(job.questions, connect)) as connecting:
                async for event in connecting:
                    narrate(event, job.output)
        except TrainshedError as error:
            _forget_secrets(error)
            raise


def _forget_secrets(error: TrainshedError) -> None:
    """Now: whoever shows it or writes a report knows them no more."""
    from . import report

    report.clean(error)


def perform(
    job: Job,
    operation: Operation,
    wanted: type[E],
    *,
    on_event: Callable[[events.Event], None] | None = None,
    services: Services | None = None,
) -> E:
    """The operation's last event of type `wanted`; every event goes to `on_event` first.

    `services`: those of the site in use, when None; they are closed in the end.
    """
    opened = services or job.settings.services()
    return finish(job, _perform(job, opened, operation, wanted, on_event))


async def _perform(
    job: Job, services: Services, operation: Operation, wanted: type[E], on_event: Callable[[events.Event], None] | None
) -> E:
    try:
        return await last(job, answered(job, services, operation), wanted, on_event)
    finally:
        await services.close()


async def last(
    job: Job, happening: AsyncIterator[Any], wanted: type[E], on_event: Callable[[events.Event], None] | None = None
) -> E:
    found: E | None = None
    async with aclosing(cast("Any", happening)) as happened:
        async for event in happened:
            job.see(event)
            narrate(event, job.output)
            if on_event is not None:
                on_event(event)
            if isinstance(event, wanted):
                found = event
    if found is None:
        raise TrainshedError(f"the operation ended without {wanted.__name__}")
    return found


def finish(job: Job, work: Coroutine[Any, Any, T]) -> T:
    """Runs `work`. Ctrl-C, SIGTERM and a closed terminal cancel it, and end as Interrupted."""
    try:
        return asyncio.run(_stoppable(work))
    except KeyboardInterrupt:
        raise _interrupted(job, signal.SIGINT) from None
    except _Stopped as stopped:
        raise _interrupted(job, stopped.signal) from None
    finally:
        job.output.close()


class _Stopped(BaseException):
    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number)
        self.signal = number


async def _stoppable(work: Coroutine[Any, Any, T]) -> T:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    came: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        came.append(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread: nothing to catch there
            loop.add_signal_handler(number, stop, number)
    try:
        result = await work
    except asyncio.CancelledError:
        if came:
            raise _Stopped(came[0]) from None
        raise
    if came:  # the full screen takes a cancellation as a quit
        raise _Stopped(came[0])
    return result


def _interrupted(job: Job, number: signal.Signals) -> Interrupted:
    return Interrupted("interrupted", hint=job.advice(), signal=int(number))
