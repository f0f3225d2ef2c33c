"""One figure beside its floor, measured in turns in the same run."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

ROUNDS = 9
QUIET: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@dataclass(frozen=True)
class Row:
    """`ours` and `floor`: what was measured, in `unit`; no `floor` where that program is not on this machine."""

    what: str
    ours: list[float]
    floor_name: str
    floor: list[float]
    unit: str = "ms"
    goal: str = ""
    of: Callable[[list[float]], float] = statistics.median

    def __str__(self) -> str:
        ours = self.of(self.ours)
        if not self.floor:
            return f"| {self.what} | {ours:.1f} {self.unit} | {self.floor_name} | not here | – | {self.goal} |"
        floor = self.of(self.floor)
        ratio = f"{ours / floor:.2f}" if floor else "–"
        figures = f"{ours:.1f} {self.unit} | {self.floor_name} | {floor:.1f} {self.unit} | {ratio}"
        return f"| {self.what} | {figures} | {self.goal} |"


@dataclass(frozen=True)
class Failed:
    """A part of the table that could not be measured."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"| {self.what} | not measured: {self.why} | | | | |"


Part = tuple[str, Callable[[], Iterable[Row]]]  # its name, and what measures its rows


def measured(group: str, parts: Iterable[Part], tell: Callable[[Row | Failed], object]) -> None:
    """`tell` hears of each row as soon as it is there: all of them take some minutes. One that fails loses no other.

    What fails while the next part is made (a host that does not start) ends its group alone.
    """
    name = group
    try:
        for name, measure in parts:
            try:
                for row in measure():
                    tell(row)
            except (Exception, SystemExit) as error:
                tell(Failed(name, _said(error)))
    except (Exception, SystemExit) as error:
        tell(Failed(f"{group}, after {name}", _said(error)))


def _said(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300].replace("|", "/")


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def timed(command: list[str], stdin: bytes | None = None) -> float:
    """Milliseconds of a command that has to succeed."""
    began = time.perf_counter()
    if stdin is None:
        done = subprocess.run(command, check=False, **QUIET)
    else:
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"bench: {command!r} ended with {done.returncode}")
    return took * 1000


def compared(
    what: str,
    ours: Callable[[], float],
    floor_name: str,
    floor: Callable[[], float],
    *,
    goal: str = "",
    rounds: int = ROUNDS,
) -> Row:
    """Both warmed up once, then one after the other, so that noise hits both."""
    ours(), floor()
    pairs = [(ours(), floor()) for _ in range(rounds)]
    return Row(what, [pair[0] for pair in pairs], floor_name, [pair[1] for pair in pairs], goal=goal)


async def compared_live(
    what: str,
    ours: Callable[[], Awaitable[float]],
    floor_name: str,
    floor: Callable[[], Awaitable[float]],
    *,
    rounds: int = ROUNDS,
    unit: str = "ms",
    goal: str = "",
) -> Row:
    """The same for what runs in an event loop; each gives its own figure."""
    await ours()
    await floor()
    pairs = [(await ours(), await floor()) for _ in range(rounds)]
    return Row(what, [pair[0] for pair in pairs], floor_name, [pair[1] for pair in pairs], unit, goal)


async def milliseconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000
