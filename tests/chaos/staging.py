"""Data are staged, and whatever can go wrong does: complete and true, or a clear error and nothing shown."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
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
from ..lab.made_up import Blob, Container, many
from ..lab.staging import Outcome, Shed, carried_out, filled, shed_of, small_shed
from ..lab.staging_seams import Seamed, ended_at
from .campaign import Trial
from .lab import Lab, Way, collected
from .proxy import CLEAR, End, Weather
from .truth import Seen

GB = 1 << 30
LARGE = 8 * GB
ROOM = 3 * GB  # that is left besides
MANY = 100_000
Made = TypeVar("Made")
PATIENCE_S = 1500.0
CLIENT_S = 4.0  # of a client from its start to the end of its staging, about
STAGE_BYTES = 40_000  # of a connection that stages, with its login
REPOSITORY = Path(__file__).parents[2]


def case(name: str) -> Trial:
    """A row of the cases that `make test` has a sample of."""

    async def trial(lab: Lab, chance: random.Random, number: int) -> Seen:
        return await asyncio.to_thread(lambda: _seen(*staging_cases.tried(_shed(lab), name, chance)))

    return trial


def _seen(wrong: list[str], outcome: Outcome) -> Seen:
    return Seen(times=1, wrong=[f"{text} [{outcome.words}]" for text in wrong])


def _shed(lab: Lab) -> Shed:
    """The one of this row, spoken to over pipes."""
    return _once(lab, "shed", lambda: lab.ending.enter_context(shed_of(lab.home / "staging")))


def _once(lab: Lab, name: str, make: Callable[[], Made]) -> Made:
    if not hasattr(lab, name):
        setattr(lab, name, make())
    return cast("Made", getattr(lab, name))


def at_every_step(*, power: bool) -> Trial:
    """The agent, or all of the VM, ends at the step of this number on its disk."""

    def work(lab: Lab, chance: random.Random, number: int) -> Seen:
        shed = _shed(lab)
        root = shed.root.with_name("seamed")
        seamed = _once(lab, "seamed", lambda: Seamed(root, lab.home / "staging-seams"))
        other = _once(lab, "seamed_shed", lambda: Shed(root, shed.front, start=shed.start))
        other.hold(Container(staging_cases.mixed(chance)))
        seen = _seen(*ended_at(other, seamed, number + 1, chance, power=power))
        other.end_agent()
        return seen

    return lambda lab, chance, number: asyncio.to_thread(work, lab, chance, number)


async def disk_full(lab: Lab, chance: random.Random, number: int) -> Seen:
    """At any download, to a few pages."""

    def work() -> Seen:
        small = _once(lab, "small", lambda: lab.ending.enter_context(small_shed(lab.home / "small")))
        small.hold(Container(staging_cases.mixed(chance)))
        return _seen(*filled(small, at=chance.randint(1, 9), pages=chance.randint(0, 200)))

    return await asyncio.to_thread(work)


async def many_blobs(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Of 4 KB, every hundredth download cut. Then a few change, which is all that comes the next time."""

    def work() -> Seen:
        shed = _shed(lab)
        shed.hold(Container(many(MANY)))
        wrong, outcome = carried_out(shed, Faults(cut=-1, every=100), ends="complete", patience_s=PATIENCE_S)
        changed = chance.sample(shed.container.names, 20)
        for name in changed:
            shed.container.change(name)
        again = shed.stage(patience_s=PATIENCE_S)
        wrong += shed.wrong(again, shed.container.truth())
        came = {entry.path.partition("?")[0] for entry in shed.front.faults.downloads}
        if len(came) != len(changed):
            wrong.append(f"{len(changed)} blobs changed and {len(came)} came")
        return _seen(wrong, outcome)

    return await asyncio.to_thread(work)


async def large_blob(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Of 8 GB, cut at some bytes; the agent is killed in the middle, and the next one does not begin anew."""
    seen = Seen(times=1)
    free = shutil.disk_usage(lab.home).free
    if free < LARGE + ROOM:
        seen.expect(False, f"there is no room for it here: {free >> 30} GB are free")
        return seen

    def work() -> Seen:
        shed = _shed(lab)
        shed.hold(Container([Blob("large.bin", LARGE, md5=False)]))
        cuts = [chance.randrange(1, 4 << 20) for _ in range(20)]
        faults = Faults(cut_after=cuts, when={chance.randint(200, 600): lambda: shed.agent.process.kill()})
        wrong, outcome = carried_out(shed, faults, ended=True, patience_s=PATIENCE_S)
        sent = shed.sent
        if sent > LARGE + GB // 2:
            wrong.append(f"{sent / GB:.1f} GB came for 8")
        return _seen(wrong, outcome)

    return await asyncio.to_thread(work)


# --- a client, and its link


def _open(lab: Lab, chance: random.Random) -> Shed:
    """What is staged on the VM behind sshd; the site's credential is a file of the client."""
    front = _once(lab, "front", lambda: StrictFront(folder=lab.home))
    if not hasattr(lab, "staging_shed"):
        lab.ending.callback(front.stop)
    shed = _once(lab, "staging_shed", lambda: Shed(lab.root, front, places=[lab.home / "sshd" / "sshd.log"]))
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
    return _seen(wrong, outcome)


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


def rows() -> list[tuple[str, Trial, int, float]]:
    """(name, trial, cases, seconds for one)."""
    single = 120.0
    found = [(name, case(name), CHANCY.get(name, 2), single) for name in staging_cases.CASES]
    found += [
        ("agent killed at every step", at_every_step(power=False), staging_cases.STEPS, single),
        ("power lost at every step", at_every_step(power=True), staging_cases.STEPS, single),
        ("disk full", disk_full, 15, single),
        ("client killed", client_killed, 25, single),
        ("link cut", link_cut, 25, single),
        (f"{MANY} blobs of 4 KB", many_blobs, 1, 2 * PATIENCE_S),
        ("one blob of 8 GB", large_blob, 1, 2 * PATIENCE_S),
    ]
    return [(f"staging: {name}", trial, times, seconds) for name, trial, times, seconds in found]


CHANCY = {
    "cut at any byte": 15,
    "blob replaced in the middle": 20,
    "blob deleted in the middle": 15,
    "credential expired in the middle": 15,
    "key changed in the middle": 10,
    "agent killed": 25,
    "names with every legal character": 0,
    "names with every legal character, all": 1,
}
