"""Calls to an agent over one channel, many at once: the client's side of core/agent/wire.py.

One thread reads frames, one writes them; the event loop only hands them over.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from .. import threads
from ..agent import wire
from ..errors import AgentError, LinkLost, TrainshedError, from_code
from .agent import Message

TOP_UP = wire.CREDIT // 4  # frames taken before credit for as many is sent
WAITING_BYTES = 1024 * 1024  # of uploads that may wait for the writing thread
FRAMES_AHEAD = 256
MOST_WAITING = 2 * wire.CREDIT  # frames of a call that nobody has taken yet
MOST_BYTES = 256 << 20  # of all calls' frames that nobody has taken yet
PARSED = 4  # a JSON message counts so many times its text: it takes more room, up to six times that


class Writer:
    """Frames in their order, written by a thread of its own."""

    def __init__(self, send: Callable[[bytes], object], failed: Callable[[], object]) -> None:
        self._send = send
        self._failed = failed
        self._frames: deque[bytes] = deque()
        self._waiting = 0
        self._wake = threading.Condition()
        self._closed = False
        self._room = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        threads.spawn(self._run, "link-writer")

    def post(self, frame: bytes) -> None:
        """Never blocks: for the small frames."""
        with self._wake:
            if self._closed:
                return
            self._frames.append(frame)
            self._waiting += len(frame)
            self._wake.notify()

    async def room(self) -> None:
        """Waits until an upload may go on."""
        while self._waiting > WAITING_BYTES and not self._closed:
            self._room.clear()
            if self._waiting > WAITING_BYTES:
                await self._room.wait()

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._room.set()

    def _run(self) -> None:
        try:
            while (batch := self._take()) is not None:
                self._send(batch)
                self._written(len(batch))
        except Exception:  # whatever it is, nothing more can be written
            self._call(self._failed)

    def _take(self) -> bytes | None:
        with self._wake:
            while not self._frames and not self._closed:
                self._wake.wait()
            if self._closed:
                return None
            batch = b"".join(self._frames)
            self._frames.clear()
            return batch

    def _written(self, size: int) -> None:
        with self._wake:
            self._waiting -= size
        self._call(self._room.set)

    def _call(self, function: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:
            pass  # the loop is gone


class RemoteAgent:
    """core.ssh.agent.Agent over a channel whose hello has been read."""

    def __init__(
        self,
        reader: wire.Reader,
        send: Callable[[bytes], object],
        hello: dict[str, Any],
        seen: Callable[[], object],
    ) -> None:
        self.hello = hello
        self.lost = False
        self._incoming = reader
        self._seen = seen
        self._numbers = itertools.count(1)
        self._calls: dict[int, asyncio.Queue[tuple[Any, int]]] = {}  # messages with what they count for
        self._came = self._gone = 0  # bytes; what waits is the difference
        self._writer = Writer(send, self.lose)
        self._reader = asyncio.create_task(self._dispatch())

    def _produce(self, bridge: threads.Stream) -> None:
        while True:
            try:
                number, message = self._incoming.frame()
            except (EOFError, OSError, ValueError, wire.WireError):
                return
            if not isinstance(message, bytes | dict):
                return  # none of the protocol's
            weight = self._incoming.size * (1 if isinstance(message, bytes) else PARSED)
            self._came += weight
            if self._came - self._gone > MOST_BYTES:
                return  # as below
            bridge.put((number, message, weight))

    async def _dispatch(self) -> None:
        try:
            async for batch in threads.stream(self._produce, "link-reader", capacity=FRAMES_AHEAD):
                self._seen()
                for number, message, weight in batch:
                    waiting = self._calls.get(number)
                    if waiting is None:
                        self._gone += weight
                    else:
                        waiting.put_nowait((message, weight))
                        if waiting.qsize() > MOST_WAITING:
                            return  # the other end does not wait for credit: nothing else it says can be trusted
        finally:
            self.lose()

    def lose(self) -> None:
        """The link is of no use any more: every open call raises LinkLost."""
        self.lost = True
        self._writer.close()
        for waiting in self._calls.values():
            waiting.put_nowait((_link_lost(), 0))

    async def close(self) -> None:
        self.lose()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def call(self, op: str, /, *, upload: AsyncIterator[bytes] | None = None, **args: Any) -> dict[str, Any]:
        """The result; events on the way are dropped."""
        result: dict[str, Any] = {}
        async for message in self.stream(op, upload=upload, **args):
            if isinstance(message, dict) and "result" in message:
                result = message["result"]
        return result

    async def stream(
        self, op: str, /, *, upload: AsyncIterator[bytes] | None = None, **args: Any
    ) -> AsyncIterator[Message]:
        """Events and bytes as they come, then `{"result": {…}}`. Closing it cancels the call on the VM."""
        if self.lost:
            raise _link_lost()
        number = next(self._numbers)
        messages: asyncio.Queue[tuple[Any, int]] = asyncio.Queue()
        self._calls[number] = messages
        self._writer.post(wire.encode(number, {"op": op, "args": args}))
        sender = _Sender(number, upload, self._writer, messages) if upload is not None else None
        ended = False
        taken = 0
        try:
            while not ended:
                message, weight = await messages.get()
                self._gone += weight
                if isinstance(message, BaseException):
                    ended = isinstance(message, LinkLost)
                    raise message
                if sender is not None and sender.credited(message):
                    continue
                ended = isinstance(message, dict) and ("result" in message or "error" in message)
                if ended and "error" in message:
                    raise _error(message["error"])
                if ended and not isinstance(message["result"], dict):
                    raise AgentError("the agent's answer cannot be read", hint="try again")
                taken += 1
                if taken == TOP_UP:
                    self._writer.post(wire.encode(number, {"credit": taken}))
                    taken = 0
                yield message
        finally:
            del self._calls[number]
            while not messages.empty():
                self._gone += messages.get_nowait()[1]
            if sender is not None:
                sender.stop()
            if not ended:
                self._writer.post(wire.encode(number, {"cancel": True}))


class _Sender:
    """The upload of one call: no more frames ahead than the agent has given credit for."""

    def __init__(self, number: int, upload: AsyncIterator[bytes], writer: Writer, messages: asyncio.Queue[Any]) -> None:
        self._number = number
        self._writer = writer
        self._messages = messages
        self._credit = asyncio.Semaphore(wire.CREDIT)
        self._task = asyncio.create_task(self._run(upload))

    def credited(self, message: Any) -> bool:
        """Takes a message that is about the upload."""
        if not (isinstance(message, dict) and set(message) == {"credit"}):
            return False
        credit = message["credit"]
        for _ in range(min(credit, MOST_WAITING) if isinstance(credit, int) else 0):
            self._credit.release()
        return True

    async def _run(self, upload: AsyncIterator[bytes]) -> None:
        try:
            async for chunk in upload:
                for start in range(0, len(chunk), wire.CHUNK):
                    await self._credit.acquire()
                    await self._writer.room()
                    self._writer.post(wire.encode(self._number, bytes(chunk[start : start + wire.CHUNK])))
            self._writer.post(wire.encode(self._number, {"end": True}))
        except Exception as error:  # the caller's own: it belongs to the caller
            self._messages.put_nowait((error, 0))

    def stop(self) -> None:
        self._task.cancel()


def _link_lost() -> LinkLost:
    return LinkLost("the connection to the VM was lost", hint="what runs there goes on; try again")


def _error(error: Any) -> TrainshedError:
    error = error if isinstance(error, dict) else {}
    return from_code(str(error.get("code")), str(error.get("title")), str(error.get("hint", "")), error.get("facts"))
