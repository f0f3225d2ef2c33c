"""A client that stages, its link to the VM, and what ends either in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from core.data.service import LiveData
from core.errors import TrainshedError
from core.events import DataStaged
from core.site import files
from core.ssh.link import SiteLink

from ..lab import staging_cases
from ..lab.front import StrictFront
from ..lab.front_faults import Faults
from ..lab.made_up import Container
from ..lab.staging import Outcome, Shed
from .lab import Lab, Way, collected
from .proxy import CLEAR, End, Weather
from .truth import Seen

Made = TypeVar("Made")
CLIENT_S = 4.0  # of a client from its start to the end of its staging, about
STAGE_BYTES = 12_000  # of a connection that stages, with its login
REPOSITORY = Path(__file__).parents[2]


def seen_of(wrong: list[str], outcome: Outcome) -> Seen:
    return Seen(times=1, wrong=[f"{text} [{outcome.words}]" for text in wrong])


def once(lab: Lab, name: str, make: Callable[[], Made]) -> Made:
    if not hasattr(lab, name):
        setattr(lab, name, make())
    return cast("Made", getattr(lab, name))


def _open(lab: Lab, chance: random.Random) -> Shed:
    """What is staged on the VM behind sshd; the site's credential is a file of the client."""
    front = once(lab, "front", lambda: StrictFront(folder=lab.home))
    if not hasattr(lab, "staging_shed"):
        lab.ending.callback(front.stop)
    shed = once(lab, "staging_shed", lambda: Shed(lab.root, front, places=[lab.home / "sshd" / "sshd.log"]))
    shed.hold(Container(staging_cases.mixed(chance)))
    return shed


def _lead(way: Way, shed: Shed) -> None:
    """The site of this way has what the shed holds as its data."""
    secret = way.site.path.with_name("secret")
    described = shed.source(key=True)
    secret.touch(mode=0o600)
    secret.write_text(described["credential"])
    ca = way.site.path.with_name("ca.pem")
    ca.write_text(described["ca_pem"])
    text = way.site.path.read_text().partition("\n[data]\n")[0]
    fields = {name: described[name] for name in ("endpoint", "container", "address")}
    fields |= {"credential": f"file:{secret}", "ca_bundle": str(ca)}
    lines = [f'{name} = "{value}"' for name, value in fields.items()]
    way.site.path.write_text("\n".join([text, "[data]", *lines, ""]))
    way.site = files.load(way.site.path)


async def _staged(way: Way) -> Outcome:
    """As the client does it, in this process."""
    link = SiteLink(way.site)
    try:
        events = await collected(LiveData(way.site, link).stage())
        return Outcome(result={"digest": next(e.data.digest for e in events if isinstance(e, DataStaged))})
    except TrainshedError as error:
        return Outcome(error=error)
    finally:
        await link.close()


async def _verdict(shed: Shed, way: Way, outcome: Outcome) -> Seen:
    """Of it; and the next one, over a link that holds, is complete."""
    truth = shed.container.truth()
    wrong = [] if outcome.result is None else await asyncio.to_thread(shed.wrong, outcome, truth)
    shed.front.well()
    way.proxy.weather = lambda _: CLEAR
    way.proxy.disarm()
    after = await _staged(way)
    wrong += await asyncio.to_thread(shed.wrong, after, truth)
    if after.result is None:
        wrong.append(f"the next one: {after.words}")
    wrong += await asyncio.to_thread(lambda: shed.left() + shed.leaked())
    shed.end_agent()
    return seen_of(wrong, outcome)


async def link_cut(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Between client and VM, after any byte of the login or of the staging."""
    shed = await asyncio.to_thread(_open, lab, chance)
    how: End = chance.choice(("close", "reset"))
    at = chance.choice((0, 0, chance.randint(1, 20)))  # a byte of the connection, or a download
    weather = CLEAR if at else Weather(end=how, after=chance.randint(1, STAGE_BYTES))
    with lab.borrowed(lambda number: weather if number == 0 else CLEAR) as way:
        _lead(way, shed)
        shed.front.faults = Faults(bytes_per_s=2e6, latency_s=0.02, when={at: lambda: way.proxy.cut(how)})
        outcome = await _staged(way)
        seen = await _verdict(shed, way, outcome)
        seen.times = int(outcome.result is None)
        return seen


async def client_killed(lab: Lab, chance: random.Random, number: int) -> Seen:
    """The command line, at any moment: of its start, or at some download."""
    shed = await asyncio.to_thread(_open, lab, chance)
    at = chance.choice((0, *[chance.randint(1, 20)] * 3))
    with lab.borrowed() as way:
        _lead(way, shed)
        words = [sys.executable, "-m", "tui.cli", "--site", str(way.site.path), "data", "stage"]
        client = await asyncio.create_subprocess_exec(
            *words, cwd=REPOSITORY, env={**os.environ, **lab.environment},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        faults = Faults(bytes_per_s=2e6, latency_s=0.02)

        def kill() -> None:
            shed.look()
            os.kill(client.pid, signal.SIGKILL)

        faults.when = {at: kill}
        shed.front.faults = faults
        if not at:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(client.wait(), chance.uniform(0.3, CLIENT_S))
            with contextlib.suppress(ProcessLookupError):
                client.kill()
        killed = await client.wait() == -signal.SIGKILL
        seen = await _verdict(shed, way, Outcome(error=TrainshedError("killed")))
        seen.times = int(killed)
        return seen
