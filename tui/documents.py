"""The JSON documents that others may build on: one for each event that ends an operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from core import events

CHECK = ("id", "group", "title", "status", "severity", "evidence", "expected", "sources", "fix", "duration_s")


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _flat(event: events.Event) -> dict[str, Any]:
    """The event's own fields, without its tag."""
    return {key: value for key, value in events.to_json(event).items() if key not in ("schema", "event")}


MAKERS: dict[type[Any], Callable[[Any], dict[str, Any]]] = {
    events.RunsListed: lambda event: {"runs": _plain(event.runs)},
    events.DataListed: lambda event: {"data": _plain(event.items)},
    events.ModelsListed: lambda event: {"models": _plain(event.models)},
    events.ServicesListed: lambda event: {"services": _plain(event.services)},
    events.ServiceChanged: lambda event: dict(_plain(event.info)),
    events.RunInfo: lambda info: dict(_plain(info)),
    events.ModelInfo: lambda info: dict(_plain(info)),
}


def document(value: Any) -> dict[str, Any]:
    """What `--json` prints for the event or the record."""
    make: Callable[[Any], dict[str, Any]] = MAKERS.get(type(value), _flat)
    return make(value)


def checks(site: str, ended: events.ChecksFinished, found: Iterable[events.CheckFinished]) -> dict[str, Any]:
    """The document of `check`."""
    rows = [{key: value for key, value in _flat(check).items() if key in CHECK} for check in found]
    took = {"started": ended.started, "duration_s": ended.duration_s}
    return {"site": site, **took, "counts": ended.counts, "checks": rows}
