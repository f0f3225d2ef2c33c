"""What happens to Docker, and to what watches a container, while a run is on its way."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Callable

from core.agent.docker_api import NotThere, Refusal
from core.errors import TrainshedError
from core.events import RunsListed
from core.jobs import ulid

from ..lab.sshd import kill
from .lab import TALK, Lab, collected, launched
from .truth import Seen, heard, owned, quiet, recorded, said
from .vm import again, interrupted

STEPS = 40
JOB = TALK.format(steps=STEPS, pause=0.02)
TRIES = "environment_variables: {TRIES: '50'}\n"  # a request whose answer did not come is sent again
AGAIN = JOB + TRIES
SLOW = TALK.format(steps=STEPS, pause=0.06) + TRIES
SLOW_S = 1.8  # it takes longer, but for its launch
JOB_S = 2.0  # from its launch to its end, about
LAUNCH_S = 1.0
STOPPED = "Docker was stopped"
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
CANCEL_S = 20.0


async def killed(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Without live-restore: the run ends with Docker and says so, or had ended before."""
    run = await launched(lab, JOB)
    following = asyncio.create_task(collected(lab.runs.follow(run)))
    await asyncio.sleep(chance.uniform(0, JOB_S))
    await asyncio.to_thread(lab.restart_docker, chance.choice(SIGNALS))
    events = await following
    seen = await _ended(lab, run, "failed", "completed")
    seen.add(heard(lab, run, events))
    last = lab.states(run)[-1]
    seen.expect(last["state"] == "completed" or STOPPED in last["reason"], f"run {run}: {last['reason']}")
    return seen


async def killed_live_restore(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Some times during one run, which goes on and is recorded."""
    with lab.borrowed() as way:
        async with way.runs() as runs:
            run = await launched(lab, JOB)
            following = asyncio.create_task(collected(runs.follow(run)))
            for _ in range(2):
                await asyncio.sleep(chance.uniform(0, JOB_S / 2))
                await asyncio.to_thread(lab.restart_docker, chance.choice(SIGNALS))
            events = await following
        seen = await _ended(lab, run, "completed")
        seen.add(heard(lab, run, events))
        seen.add(recorded(lab, way, run))
    return seen


async def killed_launching(lab: Lab, chance: random.Random, number: int) -> Seen:
    """At any moment of a launch, which is then done again with the same ULID."""
    which = chance.choice(SIGNALS)
    act = lambda: lab.restart_docker(which)  # noqa: E731
    return await interrupted(lab, chance, act, "completed", "failed", within_s=LAUNCH_S)


async def away(lab: Lab, chance: random.Random, number: int) -> Seen:
    """For a while, some times beyond the end of the job; some times nobody supervises meanwhile. With live-restore."""
    run = await launched(lab, AGAIN)
    following = asyncio.create_task(collected(lab.runs.follow(run)))
    await asyncio.sleep(chance.uniform(0, JOB_S))
    lab.daemon.stop(chance.choice(SIGNALS))
    back = time.monotonic() + chance.uniform(0.5, 2 * JOB_S)
    told = set()
    try:
        while time.monotonic() < back:
            if chance.random() < 0.2:
                kill(lab.processes("supervise"))
            told.add(await _shown(lab, run))
            await asyncio.sleep(0.2)
    finally:
        await asyncio.to_thread(lab.start_docker)
    events = await following
    seen = await _ended(lab, run, "completed")
    seen.add(heard(lab, run, events))
    wrong = told - {"created", "preparing", "running", "completed"}
    seen.expect(not wrong, f"run {run} was said to be {wrong} while Docker was away")
    return seen


async def _shown(lab: Lab, run: str) -> str:
    (event,) = await collected(lab.runs.show(run))
    assert isinstance(event, RunsListed)
    return event.runs[0].state


async def hangs(lab: Lab, chance: random.Random, number: int) -> Seen:
    """It accepts everything and says nothing for a while."""
    return await _disturbed(lab, chance, lambda: lab.daemon.hang(chance.uniform(0.5, 4.0)))


async def refuses(lab: Lab, chance: random.Random, number: int) -> Seen:
    """It answers everything by an error for a while; some times the supervisor is killed meanwhile."""

    def act() -> None:
        assert lab.door is not None
        lab.door.shut = True
        try:
            time.sleep(chance.uniform(0.1, 1.5))
            if chance.random() < 0.5:
                kill(lab.processes("supervise"))
            time.sleep(chance.uniform(0.1, 1.5))
        finally:
            lab.door.shut = False

    return await _disturbed(lab, chance, act)


async def _disturbed(lab: Lab, chance: random.Random, act: Callable[[], object]) -> Seen:
    """At any moment from the launch on, which is done again where it could not be done."""
    run, job = ulid.new(), lab.job(AGAIN)
    launching = asyncio.create_task(collected(lab.runs.launch(job, run=run)))
    await asyncio.sleep(chance.uniform(0, LAUNCH_S + JOB_S))
    await asyncio.to_thread(act)
    with contextlib.suppress(TrainshedError):
        await launching
    await again(lab, job, run)
    events = await collected(lab.runs.follow(run))
    seen = await _ended(lab, run, "completed")
    seen.add(heard(lab, run, events))
    return seen


async def cancelled(lab: Lab, chance: random.Random, number: int) -> Seen:
    """While Docker is away or hangs: the run ends all the same, and nothing of it begins or goes on afterwards."""
    run = await launched(lab, TALK.format(steps=4000, pause=0.02))
    await asyncio.sleep(chance.uniform(0, JOB_S))
    stop, go_on = (
        (lab.daemon.pause, lab.daemon.resume) if chance.random() < 0.5 else (lab.daemon.stop, lab.start_docker)
    )
    await asyncio.to_thread(stop)
    try:
        if chance.random() < 0.3:
            kill(lab.processes("supervise"))
        began = time.monotonic()
        await collected(lab.runs.cancel(run))
        took = time.monotonic() - began
    finally:
        await asyncio.to_thread(go_on)
    seen = owned(lab, run, "cancelled")
    seen.add(await asyncio.to_thread(quiet, lab, run))
    seen.expect(took < CANCEL_S, f"run {run} was cancelled after {took:.0f} s")
    seen.times = 1
    return seen


async def removed(lab: Lab, chance: random.Random, number: int) -> Seen:
    """By somebody else, some times while nobody supervises: the run says so, and is not begun again."""
    run = await launched(lab, SLOW)
    following = asyncio.create_task(collected(lab.runs.follow(run)))
    while not (there := _containers(lab, run)) and not following.done():
        await asyncio.sleep(0.02)
    await asyncio.sleep(chance.uniform(0, SLOW_S))
    if chance.random() < 0.5:
        kill(lab.processes("supervise"))
    there = _containers(lab, run)
    for identity in there:
        with contextlib.suppress(NotThere, Refusal):  # it had ended, and its supervisor is as fast
            await asyncio.to_thread(lab.daemon.api.call, "DELETE", f"/containers/{identity}", force="true")
    events = await following
    seen = await _ended(lab, run, "failed", "completed")
    seen.add(heard(lab, run, events))
    last = lab.states(run)[-1]
    seen.expect(last["state"] == "completed" or "removed" in last["reason"], f"run {run}: {last['reason']}")
    seen.times = len(there)
    return seen


def _containers(lab: Lab, run: str) -> list[str]:
    return [each["Id"] for each in lab.daemon.containers() if f"/trainshed-{run}" in each["Names"]]


async def supervisors_killed(lab: Lab, chance: random.Random, number: int) -> Seen:
    """One after the other, at any moments of one run, which goes on and is recorded."""
    with lab.borrowed() as way:
        async with way.runs() as runs:
            run = await launched(lab, AGAIN)
            following = asyncio.create_task(collected(runs.follow(run)))
            victims = 0
            for _ in range(chance.randint(2, 6)):
                await asyncio.sleep(chance.uniform(0, 0.8))
                found = lab.processes("supervise")
                kill(found)
                victims += len(found)
                await asyncio.gather(*(_shown(lab, run) for _ in range(3)))
            events = await following
        seen = await _ended(lab, run, "completed")
        seen.add(heard(lab, run, events))
        seen.add(recorded(lab, way, run))
    seen.times = int(bool(victims))
    return seen


async def all_killed(lab: Lab, chance: random.Random, number: int) -> Seen:
    """The supervisor and Docker, without live-restore, in any order."""
    run = await launched(lab, AGAIN)
    following = asyncio.create_task(collected(lab.runs.follow(run)))
    await asyncio.sleep(chance.uniform(0, JOB_S))
    acts = [lambda: kill(lab.processes("supervise")), lambda: lab.daemon.stop(chance.choice(SIGNALS))]
    chance.shuffle(acts)
    for act in acts:
        await asyncio.to_thread(act)
        await asyncio.sleep(chance.choice((0, 0.3)))
    await asyncio.to_thread(lab.start_docker)
    events = await following
    seen = await _ended(lab, run, "failed", "completed")
    seen.add(heard(lab, run, events))
    return seen


async def _ended(lab: Lab, run: str, *ends: str) -> Seen:
    seen = owned(lab, run, *ends)
    seen.add(said(lab, run, STEPS))
    seen.add(await asyncio.to_thread(quiet, lab, run))
    seen.times = 1
    return seen
