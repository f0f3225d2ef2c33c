"""What the agent says while it stages, read without trusting it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..events import DataStaged, Event, Notice, Progress, StagedData
from ..site.secrets import hidden
from .told import part, read

Count = Annotated[int, Meta(ge=0)]
Amount = Annotated[float, Meta(ge=0)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


LEFT = "Deleting what an earlier removal left"


class _Progress(msgspec.Struct):
    done: Count
    total: Count
    rate: Amount | None = None
    left_s: Amount | None = None


class _Notice(msgspec.Struct):
    text: Annotated[str, Meta(max_length=1000)]


class Result(msgspec.Struct):
    """Of the agent's `data.stage`."""

    digest: Digest
    path: str
    files: Count
    bytes: Count
    staged: Amount
    listing: Digest
    reused: bool
    fetched: Count
    linked: Count
    api_version: str | None = None


def said(message: dict[str, Any]) -> Event | None:
    """The event that a message is, on the way. Raises AgentError."""
    match message.get("event"):
        case "progress":
            told = read(message, _Progress)
            done = min(told.done, told.total)
            if message.get("unit") == "items":
                return Progress(title=LEFT, done=done, total=told.total, unit="items")
            return Progress(title="Staging", done=done, total=told.total, rate=told.rate, left_s=told.left_s)
        case "notice":
            return Notice(text=hidden(read(message, _Notice).text), level="warning")
        case _:
            return None


def result(message: dict[str, Any]) -> Result:
    """Raises AgentError."""
    return read(part(message, "result"), Result)


def staged(found: Result, duration_s: float) -> DataStaged:
    """The last event."""
    data = StagedData(digest=found.digest, path=found.path, files=found.files, bytes=found.bytes, staged=found.staged)
    return DataStaged(
        data=data,
        reused=found.reused,
        duration_s=duration_s,
        fetched=found.fetched,
        linked=found.linked,
        listing=found.listing,
    )
