"""The JSON documents that others may build on: one for each event that ends an operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from core import events


def _flat(event: events.Event) -> dict[str, Any]:
    """The event's own fields, without its tag."""
    return {key: value for key, value in events.to_json(event).items() if key not in ("schema", "event")}


def _rest(event: events.Event, *without: str) -> dict[str, Any]:
    return {key: value for key, value in _flat(event).items() if key not in without}


MAKERS: dict[type[Any], Callable[[Any], dict[str, Any]]] = {
    events.EnvironmentsListed: lambda event: {"environments": events.plain(event.environments)},
    events.RunsListed: lambda event: {"runs": events.plain(event.runs)},
    events.DataListed: lambda event: {"data": events.plain(event.items), **_rest(event, "items")},
    events.ModelsListed: lambda event: {"models": events.plain(event.models)},
    events.ServicesListed: lambda event: {"services": events.plain(event.services)},
    events.ServiceChanged: lambda event: dict(events.plain(event.info)),
    events.RunInfo: lambda info: dict(events.plain(info)),
    events.ModelInfo: lambda info: dict(events.plain(info)),
}


def document(value: Any) -> dict[str, Any]:
    """What `--json` prints for the event or the record."""
    make: Callable[[Any], dict[str, Any]] = MAKERS.get(type(value), _flat)
    return make(value)


def fixed(plan: events.FixPlanned, ended: events.FixFinished, found: Iterable[events.CheckFinished]) -> dict[str, Any]:
    """The document of `fix`: what came of it, what was planned, and the checks again."""
    return {**_flat(ended), "planned": _flat(plan), "found": [_flat(check) for check in found]}
