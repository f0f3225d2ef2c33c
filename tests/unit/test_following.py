"""Following a run says when the VM was last heard of, not when the job last said something."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

from core.errors import LinkLost, RunError
from core.events import LinkChanged
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


async def test_last_seen_is_when_the_link_heard_the_vm() -> None:
    changes: list[LinkChanged] = []
    try:
        following = Following(Silent(), Reading("01J", 0), cast("Forwarder", Nowhere()))
        async for event in following.events():
            if isinstance(event, LinkChanged):
                changes.append(event)
    except RunError:
        pass
    assert [(change.state, change.last_seen) for change in changes] == [
        ("lost", 4_000_000_001.0),
        ("restored", 4_000_000_001.0),
    ]
