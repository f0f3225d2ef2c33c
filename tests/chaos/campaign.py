"""Carries out rows of the fault table and prints what was seen."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..lab.dockerd import CACHE
from . import seams
from .lab import ENGINES, Lab
from .truth import Seen

TRIAL_S = 120.0
HEAD = ("engine", "fault", "times", "double starts", "lost ends", "log bytes", "metrics", "verdict", "seconds")

Trial = Callable[[Lab, random.Random, int], Awaitable[Seen]]


@dataclass(frozen=True)
class Fault:
    """A row: `trial` is one case of it, its number from 0.

    `sample` cases in `make test`, `full` in `make chaos`, below bubblewrap; `docker`: the same in Docker.
    """

    name: str
    trial: Trial
    sample: int = 0
    full: int = 0
    docker: tuple[int, int] = (0, 0)
    together: int = 1  # cases at once
    disk_bytes: int | None = None  # the VM's root is so large
    live_restore: bool = False  # Docker has it
    door: bool = False  # leads to Docker, and can be shut
    seconds: float = TRIAL_S  # for a case

    def times(self, engine: str, *, sample: bool = False) -> int:
        counts = self.docker if engine == "docker" else (self.sample, self.full)
        return counts[0 if sample else 1]


@dataclass
class Result:
    engine: str
    fault: Fault
    seen: Seen
    seconds: float

    def cells(self) -> tuple[str, ...]:
        seen = self.seen
        counts = (seen.times, seen.double_starts, seen.lost_ends, seen.log_bytes, seen.metrics)
        verdict = "holds" if seen.good and seen.times else "BROKEN" if seen.times else "never tried"
        return (self.engine, self.fault.name, *map(str, counts), verdict, f"{self.seconds:.0f}")


@asynccontextmanager
async def lab(fault: Fault, engine: str = ENGINES[0]) -> AsyncIterator[Lab]:
    """With a TRAINSHED_HOME of its own, which is gone afterwards."""
    CACHE.mkdir(parents=True, exist_ok=True, mode=0o700)
    home = Path(tempfile.mkdtemp(dir=CACHE))
    with _forgotten(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINSHED_HOME", str(home))
        made = Lab(home, patch, engine, fault.disk_bytes, fault.live_restore, fault.door)
        try:
            yield made
        finally:
            await made.close()
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _forgotten() -> Iterator[None]:
    """Afterwards other tests of this process place the agent itself, and not the one with the seams."""
    try:
        yield
    finally:
        seams.leave()


async def carry_out(fault: Fault, lab: Lab, seed: str, numbers: Iterable[int]) -> Result:
    """The cases with these numbers, `fault.together` of them at once."""
    total, began = Seen(), time.monotonic()
    waiting = iter(numbers)

    async def worker() -> None:
        for number in waiting:
            total.add(await _case(fault, lab, seed, number))

    await asyncio.gather(*(worker() for _ in range(fault.together)))
    return Result(lab.engine, fault, total, time.monotonic() - began)


async def _case(fault: Fault, lab: Lab, seed: str, number: int) -> Seen:
    """One that hangs or raises is broken as well."""
    chance = random.Random(f"{seed}:{fault.name}:{number}")  # the same for both engines
    try:
        async with asyncio.timeout(fault.seconds):
            seen = await fault.trial(lab, chance, number)
    except Exception as error:
        text = "".join([*traceback.format_exception(error)[-6:], *lab.going_on()])
        hint = getattr(error, "hint", "")
        seen = Seen(times=1, wrong=[f"{type(error).__name__}: {error}\n{hint}\n{text}"])
    seen.wrong = [f"case {number}: {text}" for text in seen.wrong]
    return seen


def table(results: Iterable[Result]) -> str:
    rows = [HEAD, *(result.cells() for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
