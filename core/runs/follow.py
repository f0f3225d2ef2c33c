"""Follows a run to its end over a link that may be lost: the run goes on meanwhile, and so does the reading."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

from ..errors import ConnectError
from ..events import Event, LinkChanged, LinkTry, Notice
from ..ssh.agent import Agent, Link
from .reading import Reading

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0


class Forwarding(Protocol):
    """What becomes of what the job logged: see `forward.Forwarder`."""

    def start(self) -> None: ...

    def take(self, op: dict[str, Any]) -> None: ...

    def notices(self) -> list[Notice]: ...

    async def finish(self) -> None: ...

    async def close(self) -> None: ...


class NotForwarded:
    """Where a run is only looked at: the VM keeps what it logged, for whoever records it."""

    def start(self) -> None: ...

    def take(self, op: dict[str, Any]) -> None: ...

    def notices(self) -> list[Notice]:
        return []

    async def finish(self) -> None: ...

    async def close(self) -> None: ...


class Following:
    """`forwarder` takes what the job logged to the workspace while it is watched."""

    def __init__(self, link: Link, reading: Reading, forwarder: Forwarding) -> None:
        self._link = link
        self._reading = reading
        self._forwarder = forwarder
        self._began = time.time()
        self._failures = 0  # since the VM last answered

    async def events(self) -> AsyncGenerator[Event, None]:
        """Ends with RunFinished. Raises what cannot be mended by waiting (a changed host key, say)."""
        self._forwarder.start()
        try:
            async with aclosing(self._until_finished()) as events:
                async for event in events:
                    yield event
        finally:
            await self._forwarder.close()

    async def _until_finished(self) -> AsyncGenerator[Event, None]:
        while self._reading.finished is None:
            try:
                if self._failures:
                    yield LinkTry(attempt=self._failures)
                agent = await self._link.agent()
                if self._failures:
                    await self._answering(agent)
                    yield LinkChanged(state="restored", last_seen=self._last_seen())
                async with aclosing(self._once(agent)) as events:
                    async for event in events:
                        yield event
            except ConnectError as error:
                if not error.retryable:
                    raise
                wait = waiting_time(self._failures)
                self._failures += 1
                if self._failures == 1:
                    yield LinkChanged(state="lost", last_seen=self._last_seen(), retry_in_s=wait)
                else:
                    yield LinkTry(attempt=self._failures, wait_s=wait)
                await asyncio.sleep(wait)

    async def _answering(self, agent: Agent) -> None:
        await agent.call("runs.show", run=self._reading.run)
        self._failures = 0

    def _last_seen(self) -> float:
        """Of the link, which hears the VM even while the job is silent."""
        return self._link.last_seen or self._began

    async def _once(self, agent: Agent) -> AsyncGenerator[Event, None]:
        """What comes over one connection."""
        reading = self._reading
        stream = agent.stream("runs.follow", run=reading.run, offset=reading.position, cursor=reading.cursor)
        async with aclosing(stream) as messages:  # type: ignore[type-var]
            async for message in messages:
                self._failures = 0
                if isinstance(message, dict):
                    await self._forward(message)
                for notice in self._forwarder.notices():
                    yield notice
                for event in reading.take(message):
                    yield event

    async def _forward(self, message: dict[str, Any]) -> None:
        if message.get("event") == "tracking":
            self._forwarder.take(message)
        elif "result" in message:
            await self._forwarder.finish()


def waiting_time(failures: int) -> float:
    """Full jitter: anything from 0 to a limit that doubles, so that many clients do not come back at once."""
    return random.uniform(0, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**failures))  # noqa: S311
