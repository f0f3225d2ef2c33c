"""A TCP proxy that does what bad links do: it delays, jitters, cuts, resets and falls silent."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

HOST = "127.0.0.1"
AT_ONCE = 64 * 1024  # bytes
End = Literal["close", "reset", "silence"]
ENDS: tuple[End, ...] = ("close", "reset", "silence")


@dataclass(frozen=True)
class Weather:
    """What one connection meets.

    `end`: how it ends after `after` bytes of both directions together; None is never. After "silence" it stays
    open, takes everything and forwards nothing. `delay_s` and up to `jitter_s` more come before each piece of
    `piece` bytes at most. `seed` decides the jitter.
    """

    end: End | None = None
    after: int = 0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    piece: int = AT_ONCE
    seed: str = ""


CLEAR = Weather()


class _Connection:
    def __init__(self, weather: Weather, down: asyncio.StreamWriter, up: asyncio.StreamWriter) -> None:
        self.weather = weather
        self.random = random.Random(weather.seed)
        self.writers = (down, up)
        self.left = weather.after if weather.end else None
        self.silent = False

    def end(self, how: End) -> None:
        if how == "silence":
            self.silent = True
            return
        for writer in self.writers:
            if how == "reset":
                sock = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):  # it has ended by itself
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()


class Proxy:
    """Listens on `port` and forwards to `target`, in a thread of its own.

    `weather`: that of the connection with this number, from 0; called in the proxy's thread. `carried`: bytes of all
    connections so far. `arm(count, action)` calls `action` in that thread once `count` more bytes were carried.
    """

    def __init__(self, target: int, weather: Callable[[int], Weather] = lambda _: CLEAR) -> None:
        self.weather = weather
        self.accepted = 0
        self.carried = 0
        self.idle = threading.Event()  # no connection is open
        self.idle.set()
        self._target = target
        self._armed: tuple[int, Callable[[], object]] | None = None
        self._open: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, HOST, 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()

    def arm(self, count: int, action: Callable[[], object]) -> None:
        self._armed = (self.carried + count, action)

    def disarm(self) -> None:
        self._armed = None

    def cut(self, how: End) -> None:
        """Ends every open connection so."""
        self._loop.call_soon_threadsafe(self._cut, how)

    def _cut(self, how: End) -> None:
        for connection in list(self._open):
            connection.end(how)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.accepted = self.accepted, self.accepted + 1
        try:
            up_reader, up_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.close()
            return
        connection = _Connection(self.weather(number), writer, up_writer)
        self._open.add(connection)
        self.idle.clear()
        try:
            await asyncio.gather(self._pump(connection, reader, up_writer), self._pump(connection, up_reader, writer))
        except asyncio.CancelledError:
            pass  # `close`; a stream server reports a cancelled connection as an error
        finally:
            self._open.discard(connection)
            if not self._open:
                self.idle.set()

    async def _pump(self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(connection.weather.piece):
                await self._forward(connection, data, writer)
        connection.end("close")

    async def _forward(self, connection: _Connection, data: bytes, writer: asyncio.StreamWriter) -> None:
        weather = connection.weather
        if weather.delay_s or weather.jitter_s:
            await asyncio.sleep(weather.delay_s + connection.random.uniform(0, weather.jitter_s))
        if connection.silent:
            return
        if connection.left is not None:
            data = data[: connection.left]
            connection.left -= len(data)
        writer.write(data)
        await writer.drain()
        self._count(len(data))
        if connection.left == 0 and weather.end is not None:
            connection.end(weather.end)

    def _count(self, size: int) -> None:
        self.carried += size
        if self._armed is not None and self.carried >= self._armed[0]:
            _, action = self._armed
            self._armed = None
            action()

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            self._cut("reset")
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(end(), self._loop)
        self._thread.join(10)
        self._loop.close()
