"""The client is killed in the middle of a launch, and the job is launched again with the same ULID."""

from __future__ import annotations

import os
import random
import shutil
import signal
from dataclasses import replace

from core import threads
from core.jobs import ulid

from . import clients
from .clients import Task
from .lab import TRIVIAL, Lab, Way, collected
from .truth import Seen, heard, owned

LAUNCH_BYTES = 9_000  # of a launch with its login; a little more, so that some are killed after it
PLACING_BYTES = 360_000
LAUNCH_S = 0.45


async def after_a_step(lab: Lab, chance: random.Random, number: int) -> Seen:
    """After the frame of this number, sent or received."""
    with lab.borrowed() as way:
        wanted = replace(clients.task(way, ulid.new(), job=lab.job(TRIVIAL, fresh=True)), steps=number + 1)
        client = clients.start(wanted)
        code = await clients.ended(client)
        return await _again(lab, way, wanted, chance, killed=code == -signal.SIGKILL)


async def at_a_random_byte(lab: Lab, chance: random.Random, number: int) -> Seen:
    """After any byte, from the first of the login to the last of the launch."""
    return await _at_byte(lab, chance, LAUNCH_BYTES)


async def placing_the_agent(lab: Lab, chance: random.Random, number: int) -> Seen:
    """After any byte of a launch that begins on a VM without the agent."""
    await lab.link.close()
    lab.halt()
    shutil.rmtree(lab.root / "agent", ignore_errors=True)
    return await _at_byte(lab, chance, PLACING_BYTES)


async def _at_byte(lab: Lab, chance: random.Random, most: int) -> Seen:
    with lab.borrowed() as way:
        wanted = clients.task(way, ulid.new(), job=lab.job(TRIVIAL, fresh=chance.random() < 0.5))
        byte = chance.randint(1, most)
        client = clients.start(wanted)
        handle = os.pidfd_open(client.pid or 0)
        way.proxy.arm(byte, lambda: signal.pidfd_send_signal(handle, signal.SIGKILL))
        try:
            code = await clients.ended(client)
        finally:
            way.proxy.disarm()
            os.close(handle)
        return await _again(lab, way, wanted, chance, killed=code == -signal.SIGKILL)


async def at_a_random_time(lab: Lab, chance: random.Random, number: int) -> Seen:
    """So many seconds after its start."""
    with lab.borrowed() as way:
        wanted = clients.task(way, ulid.new(), job=lab.job(TRIVIAL, fresh=chance.random() < 0.5))
        client = clients.start(wanted)
        await clients.ended(client, chance.uniform(0, LAUNCH_S))
        killed = client.exitcode is None
        clients.end(client)
        return await _again(lab, way, wanted, chance, killed=killed)


async def _again(lab: Lab, way: Way, wanted: Task, chance: random.Random, *, killed: bool) -> Seen:
    """At once, or when sshd has ended the connection of the one that was killed. Then the run goes to its end."""
    if chance.random() < 0.5:
        await threads.call(way.proxy.idle.wait, 10)
    assert wanted.job is not None
    await collected(lab.runs.launch(wanted.job, run=wanted.run))
    events = await collected(lab.runs.follow(wanted.run))
    seen = owned(lab, wanted.run, "completed")
    seen.add(heard(lab, wanted.run, events))
    seen.times = int(killed)
    return seen
