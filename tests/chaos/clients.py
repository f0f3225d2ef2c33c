"""Clients as processes of their own, to be killed: forked from a server that has everything imported already."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.events import Event, LogText, RunFinished
from core.runs import forward
from core.runs.service import LiveRuns
from core.site import files
from core.ssh import link as ssh_link
from core.ssh.link import SiteLink
from core.ssh.remote import RemoteAgent
from core.workspace import opened

from . import seams
from .lab import Lab, Way

PRELOADED = [
    "tests.chaos.clients",
    "core.ssh.session",
    "core.workspace.local",
    "mlflow.store.tracking.sqlalchemy_store",
]


@dataclass(frozen=True)
class Task:
    """What a client does. `steps`: after so many frames sent and received it kills itself; None is never."""

    site: Path
    source: Path
    environment: dict[str, str]
    run: str
    job: Path | None = None  # to launch; None: to follow the run
    steps: int | None = None
    heard: Path | None = None  # the log as it comes
    lease_s: float = forward.LEASE_S
    options: dict[str, Any] = field(default_factory=dict)


def task(way: Way, run: str, **more: Any) -> Task:
    lab: Lab = way.lab
    return Task(site=way.site.path, source=lab.seams.source, environment=lab.environment, run=run, **more)


def start(wanted: Task) -> multiprocessing.process.BaseProcess:
    """A client at work. The caller joins it; its exit code is 0 where it did all."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_main, args=(wanted,), daemon=True)
    process.start()
    return process


async def ended(process: multiprocessing.process.BaseProcess, seconds: float = 60) -> int | None:
    """Its exit code, or None where it does not end in time."""
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(process.sentinel, gone.set)
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(gone.wait(), seconds)
    finally:
        loop.remove_reader(process.sentinel)
    if gone.is_set():
        process.join()
    return process.exitcode


def end(process: multiprocessing.process.BaseProcess) -> None:
    process.kill()
    process.join(10)


def _main(wanted: Task) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the campaign ends it
    os.environ.update(wanted.environment)
    seams.use(wanted.source)
    if wanted.steps is not None:
        setattr(ssh_link, "RemoteAgent", mortal(wanted.steps))  # noqa: B010
    forward.LEASE_S = wanted.lease_s
    assert forward.Forwarder.__init__.__kwdefaults__ is not None
    forward.Forwarder.__init__.__kwdefaults__["lease_s"] = wanted.lease_s
    asyncio.run(_work(wanted))


async def _work(wanted: Task) -> None:
    site = files.load(wanted.site)
    link = SiteLink(site)
    runs = LiveRuns(site, link, opened(site))
    events = runs.follow(wanted.run) if wanted.job is None else runs.launch(wanted.job, run=wanted.run)
    try:
        await _listen(events, wanted)
    finally:
        await link.close()


async def _listen(events: AsyncIterator[Event], wanted: Task) -> None:
    finished = wanted.job is not None
    with (wanted.heard or Path(os.devnull)).open("ab", buffering=0) as copy:
        async with aclosing(events) as listed:  # type: ignore[type-var]
            async for event in listed:
                finished = finished or isinstance(event, RunFinished)
                if isinstance(event, LogText):
                    copy.write(event.text.encode())
    assert finished


def mortal(steps: int) -> type[RemoteAgent]:
    """An agent whose client is killed after that many frames were sent and received."""
    passed = itertools.count(1)

    def after(function: Callable[..., Any]) -> Callable[..., Any]:
        def work(*args: Any) -> Any:
            result = function(*args)
            if next(passed) == steps:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return work

    class Mortal(RemoteAgent):
        def __init__(self, reader: Any, send: Any, hello: Any, seen: Any) -> None:
            reader.frame = after(reader.frame)
            super().__init__(reader, after(send), hello, seen)

    return Mortal
