"""Two runs side by side: what was asked of each, what it had, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from ..events import ComparedNumber, ComparedText, RunInfo, RunsCompared
from ..ssh.agent import Agent
from . import code_diff

TextGroup = Literal["run", "parameter", "tag", "data"]
Unit = Literal["", "s", "bytes"]


async def compared(agent: Agent, a: RunInfo, b: RunInfo) -> RunsCompared:
    """Raises LinkLost, RemoteError. Code that the VM no longer has is a note, no error."""
    code = await code_diff.compared(agent, a, b)
    return RunsCompared(a=a, b=b, texts=texts(a, b), numbers=numbers(a, b), code=code)


def texts(a: RunInfo, b: RunInfo) -> list[ComparedText]:
    """What both are made of, in the order in which people ask for it."""
    return [
        *_texts("parameter", a.params, b.params),
        *_texts("run", _head(a), _head(b)),
        *_texts("data", a.data, b.data),
        *_texts("tag", a.tags, b.tags),
    ]


def _head(info: RunInfo) -> dict[str, str]:
    head = {
        "state": info.state,
        "reason": info.reason,
        "exit code": "" if info.exit_code is None else str(info.exit_code),
        "name": info.name,
        "experiment": info.experiment,
        "owner": info.owner,
        "command": info.command,
        "code": info.code_digest,
        "environment": info.environment,
        "engine": info.engine,
        "VM": info.vm,
        "started from": info.parent or "",
    }
    return {name: value for name, value in head.items() if value}


def _texts(group: TextGroup, a: Mapping[str, str], b: Mapping[str, str]) -> list[ComparedText]:
    return [ComparedText(group=group, name=name, a=a.get(name), b=b.get(name)) for name in _names(a, b)]


def numbers(a: RunInfo, b: RunInfo) -> list[ComparedNumber]:
    """The last value of each metric, then what each run took of the VM."""
    metrics = [
        _number("metric", name, "", a.metrics.get(name), b.metrics.get(name)) for name in _names(a.metrics, b.metrics)
    ]
    resources: tuple[tuple[str, Unit, float | None, float | None], ...] = (
        ("duration", "s", duration(a), duration(b)),
        ("CPU time", "s", a.cpu_s, b.cpu_s),
        ("peak memory", "bytes", a.peak_memory, b.peak_memory),
    )
    taken = [_number("resource", *values) for values in resources if values[2:] != (None, None)]
    return metrics + taken


def duration(info: RunInfo) -> float | None:
    """Seconds from the run's creation, its wait for a slot included; None of one that goes on."""
    return None if info.ended is None else max(0.0, info.ended - info.created)


def _number(
    group: Literal["metric", "resource"], name: str, unit: Unit, a: float | None, b: float | None
) -> ComparedNumber:
    known = a is not None and b is not None and math.isfinite(a) and math.isfinite(b)
    return ComparedNumber(group=group, name=name, a=a, b=b, difference=b - a if known else None, unit=unit)  # type: ignore[operator]


def _names(a: Iterable[str], b: Iterable[str]) -> list[str]:
    """Those of `a` in their order, then those that only `b` has."""
    return list(dict.fromkeys([*a, *b]))
