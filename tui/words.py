"""How values are written for people: glyph and word for a status, sizes, durations, times."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.amounts import memory as memory
from core.amounts import plural as plural
from core.amounts import size as size

if TYPE_CHECKING:
    from core.events import DataStaged, Progress


@dataclass(frozen=True)
class Mark:
    """A status is never told by its colour alone: a glyph, a word, and a colour of the theme."""

    glyph: str
    word: str
    style: str

    def __str__(self) -> str:
        return f"{self.glyph} {self.word}"


ENGINES = {
    "docker": "docker: the run outlives what watches it; its memory is limited",
    "bwrap": "bwrap, the weaker one: the run ends with its supervisor; its memory is looked at once a second",
}
STATUS = {
    "pass": Mark("✓", "PASS", "$text-success"),
    "warn": Mark("⚠", "WARN", "$text-warning"),
    "fail": Mark("✗", "FAIL", "$text-error"),
    "unknown": Mark("?", "UNKNOWN", "$text-accent"),
    "skipped": Mark("–", "SKIPPED", "$muted"),
}
STEP = {
    "todo": Mark("○", "to do", "$muted"),
    "going": Mark("●", "going", "$text-accent"),
    "done": Mark("✓", "done", "$text-success"),
    "failed": Mark("✗", "failed", "$text-error"),
    "stale": Mark("↻", "stale", "$text-warning"),
}
RUN = {
    "created": Mark("○", "created", "$muted"),
    "preparing": Mark("●", "preparing", "$text-accent"),
    "running": Mark("●", "running", "$text-accent"),
    "completed": Mark("✓", "completed", "$text-success"),
    "failed": Mark("✗", "failed", "$text-error"),
    "cancelled": Mark("–", "cancelled", "$text-warning"),
    "lost": Mark("?", "lost", "$text-error"),
}


def amount(progress: Progress) -> str:
    """How far: `4.1 kB of 31 kB, 12 kB/s, 2 s left`, `3 of 10 files`, without what is not known."""
    if progress.unit == "bytes":
        done = size(progress.done)
        far = f"{done} of {size(progress.total)}" if progress.total is not None else done
        rate = f", {size(progress.rate)}/s" if progress.rate is not None else ""
        return far + rate + (f", {_left(progress.left_s)} left" if progress.left_s else "")
    of = f" of {progress.total:,}" if progress.total is not None else ""
    return f"{progress.done:,}{of} {progress.unit}"


def _left(seconds: float) -> str:
    """An estimate: never less than a second, nor parts of one."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else duration(whole)


def how_staged(event: DataStaged) -> str:
    """Whether anything came, and how much of it was on the VM before."""
    if event.reused and not event.fetched:
        return "was there already: nothing was fetched"
    if event.reused:
        return f"was there already, under another listing ({size(event.fetched)} fetched)"
    how = f"staged in {duration(event.duration_s)}"
    return how + (f": {size(event.fetched)} fetched, {size(event.linked)} linked" if event.linked else "")


def duration(seconds: float) -> str:
    """`0.4 ms`, `31 ms`, `2.4 s`, `3 min 04 s`, `2 h 05 min`: rounded first, so that no unit is full."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.1f} ms" if seconds < 0.00995 else f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def clock(when: float, form: str = "%H:%M:%S") -> str:
    """The local time of day of `when` (seconds since the epoch), which another machine may have made up."""
    try:
        return time.strftime(form, time.localtime(when))
    except (OverflowError, ValueError, OSError):
        return "no time"


def number(value: float) -> str:
    """A metric's value in at most eight characters or so."""
    return f"{value:.4g}" if abs(value) < 1e6 else f"{value:.3e}"


def short(run: str) -> str:
    """Enough of a ULID to tell runs of one site apart: its time and a little of its chance."""
    return run[:13]
