"""The runs as a list that people filter and sort: its columns, what the words of a filter mean, what stays the same.

Texts of a run come from the VM: `Row.shown` is the run made harmless, the rest is for comparing alone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from core import events
from core.events import RunInfo

from . import untrusted, words

ORDER = ("running", "preparing", "created", "failed", "lost", "cancelled", "completed")
GOING = "going"  # a state for the filter: any that has not ended
ENDED = "ended"
ME = "me"  # an owner for the filter


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


class Row:
    """One run as it was last told."""

    def __init__(self, info: RunInfo) -> None:
        self.info = info

    @cached_property
    def shown(self) -> RunInfo:
        return untrusted.run(self.info)

    @cached_property
    def haystack(self) -> str:
        """What a filter looks into, in small letters."""
        info = self.info
        metrics = " ".join(f"{key}={words.number(value)}" for key, value in info.metrics.items())
        params = " ".join(f"{key}={value}" for key, value in info.params.items())
        parts = (state(info), info.run, info.name, info.experiment, info.owner, info.engine, info.reason, metrics)
        created = words.clock(info.created, "%Y-%m-%d %H:%M")
        return "\n".join((*parts, created, params)).lower()


def state(info: RunInfo) -> str:
    return words.RUN[info.state].word if info.ahead is None else f"queued {info.ahead}"


def going(info: RunInfo) -> bool:
    return info.state not in events.TERMINAL


def took(info: RunInfo) -> float | None:
    """Seconds since the run was created, up to its end; None where nobody knows any more."""
    if info.ended is None and not going(info):
        return None
    return max(0.0, (now() if info.ended is None else info.ended) - info.created)


# Columns.

Key = Callable[[RunInfo], Any]  # None where the run has no such value


def _of_the_list(_info: RunInfo) -> None:
    """A column whose order needs to know which metric leads."""


@dataclass(frozen=True)
class Column:
    id: str
    title: str
    key: Key
    width: int  # cells; the least where it has a share
    share: int = 0  # of the room that is left
    least: int = 0  # cells that the table has to have for it
    right: bool = False
    falls: bool = False  # the highest first, when sorting by it begins


COLUMNS = (
    Column("state", "STATE", lambda info: (ORDER.index(info.state), info.ahead or 0), 12),
    Column("run", "RUN", lambda info: info.run, 13, least=150, falls=True),
    Column("name", "NAME", lambda info: info.name.lower() or None, 14, share=4),
    Column("experiment", "EXPERIMENT", lambda info: info.experiment.lower() or None, 10, share=2, least=100),
    Column("created", "CREATED", lambda info: info.created, 11, falls=True),
    Column("took", "TOOK", took, 11, right=True, falls=True),
    Column("metrics", "METRICS", _of_the_list, 14, share=3, falls=True),
    Column("owner", "OWNER", lambda info: info.owner.lower() or None, 10, share=2, least=100),
    Column("engine", "ENGINE", lambda info: info.engine or None, 6, least=110),
)


def columns(width: int) -> list[tuple[Column, int]]:
    """Those that fit into `width` cells, each with its own; two cells are between them."""
    shown = [column for column in COLUMNS if column.least <= width]
    left = width - sum(column.width for column in shown) - 2 * (len(shown) - 1)
    shares = sum(column.share for column in shown)
    return [(column, column.width + max(0, left) * column.share // shares) for column in shown]


def text(column: str, info: RunInfo, lead: str) -> str:
    """What a cell says. `lead`: the metric whose value comes first; the title names it."""
    match column:
        case "state":
            return f"{words.RUN[info.state].glyph} {state(info)}"
        case "run":
            return words.short(info.run)
        case "created":
            return words.clock(info.created, "%m-%d %H:%M")
        case "took":
            seconds = took(info)
            return "" if seconds is None else words.duration(seconds)
        case "metrics":
            first = words.number(info.metrics[lead]) if lead in info.metrics else "–" if info.metrics else ""
            others = (f"{name} {words.number(value)}" for name, value in info.metrics.items() if name != lead)
            return "  ".join([f"{first:<7}", *others])
        case _:
            return str(getattr(info, column))


# Filter.

FIELDS: dict[str, Callable[[RunInfo], str]] = {
    "experiment": lambda info: info.experiment,
    "owner": lambda info: info.owner,
    "name": lambda info: info.name,
    "run": lambda info: info.run,
    "engine": lambda info: info.engine,
}


class Filter:
    """Words that all have to be in a run; `state:`, `experiment:`, `owner:`, `name:`, `run:` and `engine:` say where.

    `me`: who `owner:me` is.
    """

    def __init__(self, text: str, me: str) -> None:
        self.tests = [_test(word.lower(), me) for word in text.split()]

    def __call__(self, row: Row) -> bool:
        return all(test(row) for test in self.tests)


def _test(word: str, me: str) -> Callable[[Row], bool]:
    name, colon, wanted = word.partition(":")
    if not colon or name not in (*FIELDS, "state"):
        return lambda row: word in row.haystack
    if name == "state":
        return lambda row: _in_state(row.info, wanted)
    if (name, wanted) == ("owner", ME):
        return lambda row: row.info.owner == me
    read = FIELDS[name]
    return lambda row: wanted in read(row.info).lower()


def _in_state(info: RunInfo, wanted: str) -> bool:
    if wanted in (GOING, ENDED):
        return going(info) == (wanted == GOING)
    return wanted in state(info) or wanted in info.state


# The list.


@dataclass
class RunList:
    """All runs by their id; `shown` are those that pass the filter, in order. `me`: the owner that is oneself."""

    me: str = ""
    filter: str = ""
    column: str = "created"
    falls: bool = True
    lead: str = ""
    rows: dict[str, Row] = field(default_factory=dict)
    shown: list[Row] = field(default_factory=list)

    @property
    def looks(self) -> tuple[str, str, bool, str]:
        """Filter and order, for the next time."""
        return self.filter, self.column, self.falls, self.lead

    def look_as(self, looks: tuple[str, str, bool, str] | None) -> None:
        if looks is not None:
            self.filter, self.column, self.falls, self.lead = looks

    def take(self, runs: Iterable[RunInfo]) -> None:
        """What is so now; a run that is as it was keeps its row."""
        before, self.rows = self.rows, {}
        for info in runs:
            known = before.get(info.run)
            self.rows[info.run] = known if known is not None and known.info == info else Row(info)
        names = self.metrics()
        if self.lead not in names:
            self.lead = names[0] if names else ""
        self.arrange()

    def arrange(self) -> None:
        """Filters and sorts anew. A run without a value is last in any order."""
        wanted = Filter(self.filter, self.me)
        found = sorted(filter(wanted, self.rows.values()), key=lambda row: row.info.run, reverse=True)
        key = self._key()
        keyed = [(key(row.info), row) for row in found]
        having = [(value, row) for value, row in keyed if value is not None]
        having.sort(key=lambda pair: pair[0], reverse=self.falls)
        self.shown = [row for _, row in having] + [row for value, row in keyed if value is None]

    def _key(self) -> Key:
        if self.column == "metrics":
            return self._metric
        return next(column.key for column in COLUMNS if column.id == self.column)

    def _metric(self, info: RunInfo) -> float | None:
        value = info.metrics.get(self.lead)
        return None if value is None or value != value else value  # NaN has no order

    def metrics(self) -> list[str]:
        """The names of all metrics, those of most runs first."""
        counts = Counter(name for row in self.rows.values() for name in row.info.metrics)
        return sorted(counts, key=lambda name: -counts[name])

    def next_metric(self) -> str:
        """The next one leads; "" where there is none."""
        names = self.metrics()
        if names:
            self.lead = names[(names.index(self.lead) + 1) % len(names)] if self.lead in names else names[0]
            self.arrange()
        return self.lead

    def sort_by(self, column: str) -> None:
        """By another column in its own direction; by the same one the other way round."""
        if column == self.column:
            self.falls = not self.falls
        else:
            self.column = column
            self.falls = next(known.falls for known in COLUMNS if known.id == column)
        self.arrange()
