"""Following a run says when the VM was last heard of, not when the job last said something."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from core.errors import LinkLost, RunError
from core.events import Event, LinkChanged, LinkTry
from core.runs import follow
from core.runs.follow import Following
from core.runs.forward import Forwarder
from core.runs.reading import Reading
from core.ssh.agent import Agent, Message


class Silent:
    """A VM that answers, a job that says nothing, and a connection that is lost once."""

    def __init__(self) -> None:
        self.last_seen = 0.0
        self.streams = 0

    async def agent(self) -> Agent:
        return cast("Agent", self)

    async def close(self) -> None: ...

    async def call(self, _op: str, **_args: Any) -> dict[str, Any]:
        return {}

    async def stream(self, _op: str, **_args: Any) -> AsyncIterator[Message]:
        self.streams += 1
        self.last_seen = 4_000_000_000.0 + self.streams  # a heartbeat of the connection
        if self.streams == 1:
            raise LinkLost("the connection was lost")
        if self.streams < 3:
            yield {"event": "state", "seq": 1, "state": "running", "time": 0.0, "reason": ""}
        raise RunError("enough")


class Nowhere:
    def start(self) -> None: ...

    def take(self, _op: dict[str, Any]) -> None: ...

    def notices(self) -> list[Any]:
        return []

    async def finish(self) -> None: ...

    async def close(self) -> None: ...


async def _heard(link: Silent) -> list[Event]:
    events: list[Event] = []
    try:
        async for event in Following(link, Reading("01J", 0), cast("Forwarder", Nowhere())).events():
            events.append(event)
    except RunError:
        pass
    return events


class Away(Silent):
    """It cannot be reached for a while either."""

    asked = 0

    async def agent(self) -> Agent:
        self.asked += 1
        if 1 < self.asked < 4:
            raise LinkLost("nobody answers")
        return await super().agent()


async def test_each_try_to_take_the_link_up_again_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "waiting_time", lambda failures: failures / 1000)
    events = await _heard(Away())
    assert [event.state for event in events if isinstance(event, LinkChanged)] == ["lost", "restored"]
    tries = [(event.attempt, event.wait_s) for event in events if isinstance(event, LinkTry)]
    assert tries == [(1, None), (2, 0.001), (2, None), (3, 0.002), (3, None)]


async def test_last_seen_is_when_the_link_heard_the_vm() -> None:
    events = await _heard(Silent())
    changes = [event for event in events if isinstance(event, LinkChanged)]
    assert [(change.state, change.last_seen) for change in changes] == [
        ("lost", 4_000_000_001.0),
        ("restored", 4_000_000_001.0),
    ]
