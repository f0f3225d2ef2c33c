"""The only place that makes threads.

Short blocking calls go through `call`; each long blocking stream gets one daemon
thread of its own through `stream`. Neither uses asyncio's default pool: a few long
tails there block every later call (cpus + 4 threads, shared with Textual).
Daemon threads, because a blocked connect must not hold up the program's exit.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, TypeVar

T = TypeVar("T")

SHORT_CALLS = 8
_slots: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


def spawn(target: Callable[[], object], name: str) -> threading.Thread:
    """A running daemon thread."""
    thread = threading.Thread(target=target, name=f"trainshed-{name}", daemon=True)
    thread.start()
    return thread


def _slot(loop: asyncio.AbstractEventLoop) -> asyncio.Semaphore:
    for known in [known for known in _slots if known.is_closed()]:
        del _slots[known]
    return _slots.setdefault(loop, asyncio.Semaphore(SHORT_CALLS))


async def call(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """`function(*args, **kwargs)` in a thread. Cancelling stops the wait, not the function."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = function(*args, **kwargs)
        except StopIteration as stop:  # a future refuses to carry it
            error = RuntimeError(f"StopIteration from {function!r}: {stop.value!r}")
        except BaseException as caught:
            error = caught
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            pass  # the loop is gone: nobody waits any more

    async with _slot(loop):
        spawn(work, f"call-{getattr(function, '__name__', 'function')}")
        return await future


class Stopped(Exception):
    """Raised in the producing thread when nobody listens any more."""


class Stream:
    """A bounded bridge from one producing thread to one async consumer.

    The thread calls `put` (blocks while `capacity` items wait), the consumer gets
    batches: everything that waits, in one wake-up.
    """

    def __init__(self, capacity: int) -> None:
        self._items: deque[Any] = deque()
        self._capacity = capacity
        self._room = threading.Condition()
        self._ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._error: BaseException | None = None
        self._ended = False
        self._stopped = False

    @property
    def stopped(self) -> bool:
        return self._stopped

    def put(self, item: Any) -> None:
        """Called in the producing thread. Raises Stopped when the consumer has gone."""
        with self._room:
            while len(self._items) >= self._capacity and not self._stopped:
                self._room.wait()
            if self._stopped:
                raise Stopped
            self._items.append(item)
            wake = len(self._items) == 1
        if wake:
            self._wake()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:
            self.stop()

    def _end(self, error: BaseException | None) -> None:
        with self._room:
            self._ended, self._error = True, error
        self._wake()

    def stop(self) -> None:
        with self._room:
            self._stopped = True
            self._room.notify_all()

    def _take(self) -> tuple[list[Any], bool]:
        with self._room:
            batch, ended = list(self._items), self._ended
            self._items.clear()
            self._ready.clear()
            self._room.notify_all()
        return batch, ended

    async def batches(self) -> AsyncIterator[list[Any]]:
        while True:
            await self._ready.wait()
            batch, ended = self._take()
            if batch:
                yield batch
            if ended:
                if self._error is not None:
                    raise self._error
                return


async def stream(
    produce: Callable[[Stream], object],
    name: str,
    *,
    capacity: int = 256,
    on_stop: Callable[[], object] | None = None,
) -> AsyncGenerator[list[Any], None]:
    """Batches of what `produce` puts, from a thread of its own.

    Closing the iterator stops the thread at its next `put`; `on_stop` is called
    then, to unblock whatever it waits for (close a channel, say).
    """
    bridge = Stream(capacity)

    def work() -> None:
        error: BaseException | None = None
        try:
            produce(bridge)
        except Stopped:
            pass
        except BaseException as caught:
            error = caught
        bridge._end(error)

    spawn(work, name)
    try:
        async for batch in bridge.batches():
            yield batch
    finally:
        bridge.stop()
        if on_stop is not None:
            on_stop()
