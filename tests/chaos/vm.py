"""What happens to the VM while a run is on its way: dead processes, another boot, a full disk, a clock that jumps."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from pathlib import Path

from core.agent import processes
from core.errors import ConnectError, TrainshedError
from core.jobs import ulid

from ..lab.sshd import kill
from .lab import TALK, TRIVIAL, Lab, collected, launched
from .link import follow
from .truth import Seen, heard, owned

JOB = TALK.format(steps=40, pause=0.02)
JOB_S = 1.5  # from its launch to its end, about
LAUNCH_S = 0.3
DAY_S = 86_400
TRIES = 4


async def supervisor_killed(lab: Lab, chance: random.Random, number: int) -> Seen:
    run = await launched(lab, JOB)
    following = asyncio.create_task(collected(lab.runs.follow(run)))
    await asyncio.sleep(chance.uniform(0, JOB_S))
    victims = lab.processes("supervise")
    kill(victims)
    events = await following
    seen = owned(lab, run, "lost", "completed")
    seen.add(heard(lab, run, events))
    left = [pid for line in lab.states(run) for pid, start in line.get("sandbox", []) if processes.alive(pid, start)]
    seen.expect(not left, f"run {run} is {lab.states(run)[-1]['state']} and {left} live on")
    seen.times = int(bool(victims))
    return seen


async def agent_killed_following(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Some times while the run is followed and recorded: the run does not notice."""
    run = await launched(lab, JOB)
    with lab.borrowed() as way:
        begun = asyncio.Event()
        following = asyncio.create_task(follow(lab, way, run, begun))
        await begun.wait()
        for _ in range(3):
            await asyncio.sleep(chance.uniform(0, JOB_S / 2))
            kill(lab.processes("serve"))
        return await following


async def agent_killed_launching(lab: Lab, chance: random.Random, number: int) -> Seen:
    """At any moment of a launch, which is then done again with the same ULID."""
    return await interrupted(lab, chance, lambda: kill(lab.processes("serve")), "completed")


async def rebooted_launching(lab: Lab, chance: random.Random, number: int) -> Seen:
    return await interrupted(lab, chance, lab.reboot, "completed", "lost")


async def again(lab: Lab, job: Path, run: str) -> None:
    """As a person does it who is told that the link was lost, and to try again."""
    for tries in range(TRIES):
        try:
            await collected(lab.runs.launch(job, run=run))
            return
        except ConnectError as error:
            if not error.retryable or tries == TRIES - 1:
                raise


async def interrupted(
    lab: Lab, chance: random.Random, act: Callable[[], object], *ends: str, within_s: float = LAUNCH_S
) -> Seen:
    run, job = ulid.new(), lab.job(TRIVIAL, fresh=chance.random() < 0.5)
    launching = asyncio.create_task(collected(lab.runs.launch(job, run=run)))
    await asyncio.sleep(chance.uniform(0, within_s))
    await asyncio.to_thread(act)
    with contextlib.suppress(TrainshedError):
        await launching
    await again(lab, job, run)
    events = await collected(lab.runs.follow(run))
    seen = owned(lab, run, *ends)
    seen.add(heard(lab, run, events))
    seen.times = 1
    return seen


async def rebooted(lab: Lab, chance: random.Random, number: int) -> Seen:
    """While a run is followed. It is lost, or had ended before; the VM then takes the next one."""
    run = await launched(lab, JOB)
    following = asyncio.create_task(collected(lab.runs.follow(run)))
    await asyncio.sleep(chance.uniform(0, JOB_S))
    await asyncio.to_thread(lab.reboot)
    events = await following
    seen = owned(lab, run, "lost", "completed")
    seen.add(heard(lab, run, events))
    after = ulid.new()
    await again(lab, lab.job(TRIVIAL), after)
    await collected(lab.runs.follow(after))
    seen.add(owned(lab, after, "completed"))
    seen.times = 1
    return seen


async def disk_full(lab: Lab, chance: random.Random, number: int) -> Seen:
    """At any moment of a run. It fails with the reason, or had ended before; with room again the next one runs."""
    assert lab.disk is not None
    run = await launched(lab, JOB)
    following = asyncio.create_task(collected(lab.runs.follow(run)))
    await asyncio.sleep(chance.uniform(0, JOB_S))
    lab.disk.leave(chance.choice((0, 5_000, 20_000, 60_000)))
    try:
        events = await following
    finally:
        lab.disk.clear()
    seen = owned(lab, run, "failed", "completed")
    seen.add(heard(lab, run, events))
    after = ulid.new()
    await again(lab, lab.job(TRIVIAL), after)
    await collected(lab.runs.follow(after))
    seen.add(owned(lab, after, "completed"))
    seen.times = 1
    return seen


async def disk_full_launching(lab: Lab, chance: random.Random, number: int) -> Seen:
    """So little room that a launch may fail; with room again it is launched with the same ULID."""
    assert lab.disk is not None
    run, job = ulid.new(), lab.job(TRIVIAL, fresh=True)
    await launched(lab, TRIVIAL)
    lab.disk.leave(4096 * chance.randint(0, 24))
    with contextlib.suppress(TrainshedError):
        await collected(lab.runs.launch(job, run=run))
        await collected(lab.runs.follow(run))
    lab.disk.clear()
    await again(lab, job, run)
    events = await collected(lab.runs.follow(run))
    seen = owned(lab, run, "completed", "failed")
    seen.add(heard(lab, run, events))
    seen.times = 1
    return seen


async def clock_jumps(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Forward and back, up to a day, while a run is followed and recorded."""
    run = await launched(lab, JOB)
    with lab.borrowed() as way:
        following = asyncio.create_task(follow(lab, way, run))
        for _ in range(4):
            await asyncio.sleep(chance.uniform(0, JOB_S / 3))
            lab.seams.shift(chance.uniform(-DAY_S, DAY_S))
        try:
            return await following
        finally:
            lab.seams.shift(0.0)
