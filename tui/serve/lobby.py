"""Connections that have not shown a key: so many at most, and each for a few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

MOST = 32  # the oldest one has to go then
PATIENCE_S = 10.0


class Visitor(asyncio.Protocol):
    """One connection, passed on to the web server's own protocol."""

    def __init__(self, inner: asyncio.Protocol, lobby: Lobby) -> None:
        self._inner, self._lobby = inner, lobby
        self.transport: asyncio.Transport | None = None
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._lobby.enter(self)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._lobby.leave(self)
        self._inner.connection_lost(error)


class Lobby:
    """Makes the protocol of each connection; `refused` is told who had to go."""

    def __init__(self, make: Callable[[], asyncio.Protocol], refused: Callable[[str], None]) -> None:
        self._make, self._refused = make, refused
        self._waiting: dict[Visitor, None] = {}  # the oldest first

    def __call__(self) -> Visitor:
        return Visitor(self._make(), self)

    def enter(self, visitor: Visitor) -> None:
        self._waiting[visitor] = None
        visitor.timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._turn_out, visitor)
        if len(self._waiting) > MOST:
            self._turn_out(next(iter(self._waiting)))

    def leave(self, visitor: Visitor) -> None:
        """It has shown a key, or has gone."""
        self._waiting.pop(visitor, None)
        if visitor.timer is not None:
            visitor.timer.cancel()

    def _turn_out(self, visitor: Visitor) -> None:
        self.leave(visitor)
        self._refused("a connection that showed no key")
        if visitor.transport is not None:
            visitor.transport.abort()


def known(transport: asyncio.BaseTransport | None) -> None:
    """Who is at the other end has shown a key."""
    visitor = None if transport is None else transport.get_protocol()
    if isinstance(visitor, Visitor):
        visitor._lobby.leave(visitor)
