"""Data are staged, and whatever can go wrong does: complete and true, or a clear error and nothing shown."""

from __future__ import annotations

import asyncio
import random
import shutil

from ..lab import staging_cases
from ..lab.front_faults import Faults
from ..lab.made_up import Blob, Container, many
from ..lab.staging import Shed, carried_out, filled, shed_of, small_shed
from ..lab.staging_seams import Seamed, ended_at
from .campaign import Trial
from .lab import Lab
from .staging_clients import client_killed, link_cut, once, seen_of
from .truth import Seen

GB = 1 << 30
LARGE = 8 * GB
ROOM = 3 * GB  # that is left besides
MANY = 100_000
PATIENCE_S = 1500.0


def case(name: str) -> Trial:
    """A row of the cases that `make test` has a sample of."""

    async def trial(lab: Lab, chance: random.Random, number: int) -> Seen:
        return await asyncio.to_thread(lambda: seen_of(*staging_cases.tried(_shed(lab), name, chance)))

    return trial


def _shed(lab: Lab) -> Shed:
    """The one of this row, spoken to over pipes."""
    return once(lab, "shed", lambda: lab.ending.enter_context(shed_of(lab.home / "staging")))


def at_every_step(*, power: bool) -> Trial:
    """The agent, or all of the VM, ends at the step of this number on its disk."""

    def work(lab: Lab, chance: random.Random, number: int) -> Seen:
        shed = _shed(lab)
        root = shed.root.with_name("seamed")
        seamed = once(lab, "seamed", lambda: Seamed(root, lab.home / "staging-seams"))
        other = once(lab, "seamed_shed", lambda: Shed(root, shed.front, start=shed.start))
        other.hold(Container(staging_cases.mixed(chance)))
        seen = seen_of(*ended_at(other, seamed, number + 1, chance, power=power))
        other.end_agent()
        return seen

    return lambda lab, chance, number: asyncio.to_thread(work, lab, chance, number)


async def disk_full(lab: Lab, chance: random.Random, number: int) -> Seen:
    """At any download, to a few pages."""

    def work() -> Seen:
        small = once(lab, "small", lambda: lab.ending.enter_context(small_shed(lab.home / "small")))
        small.hold(Container(staging_cases.mixed(chance)))
        return seen_of(*filled(small, at=chance.randint(1, 9), pages=chance.randint(0, 200)))

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
        return seen_of(wrong, outcome)

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
        return seen_of(wrong, outcome)

    return await asyncio.to_thread(work)


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
