"""A run is followed, and recorded in the workspace, over a link that does not hold."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

from core.errors import ConnectError
from core.events import Event
from core.runs.service import LiveRuns
from core.ssh import transport

from .lab import TALK, Lab, Way, collected, launched
from .proxy import CLEAR, Weather
from .truth import Seen, heard, owned, recorded

BAD = 6  # connections, then one that holds
LONG = TALK.format(steps=60, pause=0.01)


async def cut(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Closed or reset after any number of bytes, in the login or later; delayed and jittered meanwhile."""
    return await _followed(lab, _bad(chance, lambda: chance.choice(("close", "reset")), 500))


async def slow(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Small pieces, each late by another time."""
    weather = Weather(delay_s=0.001, jitter_s=0.02, piece=chance.randint(200, 3000), seed=str(chance.random()))
    return await _followed(lab, lambda _: weather)


async def silent(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Half-open: the proxy goes on to take everything, and nothing arrives any more."""
    lab.patch.setattr(transport, "KEEPALIVE_S", 0.3)
    bad = _bad(chance, lambda: "silence", 15_000)
    return await _followed(lab, lambda connection: bad(connection) if connection < 2 else CLEAR)


def _bad(chance: random.Random, end: Callable[[], str], least: int) -> Callable[[int], Weather]:
    base = Weather(jitter_s=chance.choice((0.0, 0.005)))
    plans = [
        replace(base, end=end(), after=chance.randint(least, 60_000), seed=str(chance.random()))  # type: ignore[arg-type]
        for _ in range(BAD)
    ]
    return lambda connection: plans[connection] if connection < BAD else CLEAR


async def _followed(lab: Lab, weather: Callable[[int], Weather]) -> Seen:
    run = await launched(lab, LONG)
    with lab.borrowed(weather) as way:
        return await follow(lab, way, run)


async def follow(lab: Lab, way: Way, run: str, begun: asyncio.Event | None = None) -> Seen:
    """To its end, over `way`, into the workspace; everything has come once. `begun` is set once connected."""
    async with way.runs() as runs:
        if begun is not None:
            await collected(runs.list())
            begun.set()
        events = await _told(runs, run)
    seen = owned(lab, run, "completed")
    seen.add(heard(lab, run, events))
    seen.add(recorded(lab, way, run))
    seen.times = 1
    return seen


async def _told(runs: LiveRuns, run: str) -> list[Event]:
    """Nobody is connected yet: a first connection that fails is told, and a person tries again."""
    while True:
        try:
            return await collected(runs.follow(run))
        except ConnectError as error:
            if not error.retryable:
                raise
