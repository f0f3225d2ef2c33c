"""What happens to the client that records, and to its workspace, while a run goes on."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from core.runs import forward
from core.workspace import opened

from . import clients
from .lab import TALK, Lab, collected, launched
from .link import follow
from .truth import Seen, heard, owned, recorded, wrong_bytes

JOB = TALK.format(steps=60, pause=0.03)
JOB_S = 2.5
LEASE_S = 3.0
LEASED = TALK.format(steps=120, pause=0.06)
MUCH = TALK.format(steps=400, pause=0.0) + "environment_variables: {LINES: '600'}\n"  # 14 MB
SECONDS = 20.0  # to catch up with that
SILENT_S = 600.0
LONG = TALK.format(steps=500, pause=1.0)  # 1 MB
LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


async def locked(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Another process holds the database for a while, sometimes beyond the end of the run."""
    lab.patch.setattr("core.workspace.database.LOCK_WAIT_S", 0.1)

    @asynccontextmanager
    async def taken(database: Path) -> AsyncIterator[None]:
        words = [sys.executable, "-c", LOCK, str(database)]
        other = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert other.stdin is not None and other.stdout is not None
        assert await other.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            other.stdin.close()
            await other.wait()

    return await _disturbed(lab, chance, taken)


async def gone(lab: Lab, chance: random.Random, number: int) -> Seen:
    """The database is moved away for a while, sometimes beyond the end of the run, and put back."""

    @asynccontextmanager
    async def away(database: Path) -> AsyncIterator[None]:
        database.rename(database.with_name("away"))
        try:
            yield
        finally:
            database.with_name("away").rename(database)

    return await _disturbed(lab, chance, away)


async def _disturbed(lab: Lab, chance: random.Random, disturbance: object) -> Seen:
    assert callable(disturbance)
    with lab.borrowed() as way:
        first = await launched(lab, TALK.format(steps=1, pause=0))
        await follow(lab, way, first)  # the database is there
        run = await launched(lab, JOB)
        async with way.runs() as runs:
            following = asyncio.create_task(collected(runs.follow(run)))
            await asyncio.sleep(chance.uniform(0, JOB_S))
            async with disturbance(way.site.state / "mlflow.db"):
                await asyncio.wait([following], timeout=chance.uniform(0, 2 * JOB_S))
            events = await following
        seen = heard(lab, run, events)
        seen.add(await follow(lab, way, run))  # records what was kept on the VM
    return seen


async def two_clients(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Both follow to the end, one records."""
    run = await launched(lab, JOB)
    with lab.borrowed() as way:

        async def later() -> Seen:
            await asyncio.sleep(chance.uniform(0, JOB_S))
            async with way.runs() as runs:
                return heard(lab, run, await collected(runs.follow(run)))

        one, two = await asyncio.gather(later(), later())
        seen = owned(lab, run, "completed")
        for more in (one, two, recorded(lab, way, run)):
            seen.add(more)
    seen.times = 1
    return seen


async def holder_killed(lab: Lab, chance: random.Random, number: int) -> Seen:
    """`kill -9` of the client that records; another that watches takes over when the lease has run out."""
    defaults = forward.Forwarder.__init__.__kwdefaults__
    assert defaults is not None
    lab.patch.setitem(defaults, "lease_s", LEASE_S)
    with lab.borrowed() as way:
        await asyncio.to_thread(opened(way.site).describe)  # its database is made: that takes longer than a lease
        run = await launched(lab, LEASED)
        holder = clients.start(clients.task(way, run, lease_s=LEASE_S))
        await asyncio.to_thread(_until_leased, lab.folder(run) / "forward.json")
        async with way.runs() as runs:
            watching = asyncio.create_task(collected(runs.follow(run)))
            await asyncio.sleep(chance.uniform(0, 1.0))
            clients.end(holder)
            events = await watching
        seen = owned(lab, run, "completed")
        seen.add(heard(lab, run, events))
        seen.add(recorded(lab, way, run))
    seen.times = 1
    return seen


def _until_leased(file: Path) -> None:
    end = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < end, "nobody forwards"
        time.sleep(0.02)


async def stopped(lab: Lab, chance: random.Random, number: int) -> Seen:
    """SIGSTOP for a client while the run logs 14 MB and ends; then it catches up within seconds."""
    return await _stopped(lab, chance.uniform(0, 1.0), MUCH, 0.0)


async def stopped_for_long(lab: Lab, chance: random.Random, number: int) -> Seen:
    """The same for ten minutes, most of which the run logs; the link and the lease are long gone then."""
    return await _stopped(lab, chance.uniform(0, 1.0), LONG, SILENT_S)


async def _stopped(lab: Lab, after_s: float, job: str, least_s: float) -> Seen:
    run = await launched(lab, job)
    with lab.borrowed() as way:
        copy = lab.home / f"copy-{run}"
        client = clients.start(clients.task(way, run, heard=copy))
        await clients.ended(client, after_s)
        os.kill(client.pid or 0, signal.SIGSTOP)
        stopped = time.monotonic()
        await collected(lab.runs.follow(run))
        await asyncio.sleep(stopped + least_s - time.monotonic())
        began = time.monotonic()
        os.kill(client.pid or 0, signal.SIGCONT)
        code = await clients.ended(client)
        took = time.monotonic() - began
        seen = owned(lab, run, "completed")
        seen.add(recorded(lab, way, run))
    seen.log_bytes = wrong_bytes(copy.read_bytes(), (lab.folder(run) / "passed.log").read_bytes())
    seen.expect(code == 0 and took < SECONDS, f"exit code {code} after {took:.1f} s")
    seen.times = 1
    return seen
