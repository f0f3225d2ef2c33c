"""One call in progress: what an operation uses to answer and to read its upload."""

from __future__ import annotations

import threading
from queue import Empty, Full, Queue
from typing import Any, Callable, Iterator

from . import wire


class Cancelled(Exception):
    """The client no longer wants the answer."""


class Call:
    """One call in progress: what an operation uses to answer and to read its upload."""

    def __init__(self, number: int, op: str, root: str, send: Callable[[Call, object], None]) -> None:
        self.number = number
        self.op = op
        self.root = root  # the agent's folder, absolute
        self._send = send
        self._credit = threading.Semaphore(wire.CREDIT)
        self._cancelled = threading.Event()
        self._upload: Queue[bytes | None] = Queue(maxsize=wire.CREDIT + 1)  # the last is the end

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def wait(self, seconds: float) -> None:
        """Sleeps; raises Cancelled as soon as the client cancels."""
        if self._cancelled.wait(seconds):
            raise Cancelled

    def event(self, **message: object) -> None:
        """Sends one event; by convention it has a key `event`."""
        self._answer(message)

    def data(self, chunk: bytes) -> None:
        self._answer(chunk)

    def _answer(self, payload: object) -> None:
        while not self._credit.acquire(timeout=0.5):
            if self.cancelled:
                raise Cancelled
        if self.cancelled:
            raise Cancelled
        self._send(self, payload)

    def upload(self) -> Iterator[bytes]:
        """The chunks that the client sends with this call, until it says `end`.

        Credit goes back as they are taken: a slow operation must not hold up the link that all calls share.
        """
        taken = 0
        while True:
            try:
                chunk = self._upload.get(timeout=0.5)
            except Empty:
                if self.cancelled:
                    raise Cancelled from None
                continue
            if chunk is None:
                return
            taken += 1
            if taken == wire.CREDIT // 4:
                self._send(self, {"credit": taken})
                taken = 0
            yield chunk

    def _uploaded(self, chunk: bytes | None) -> None:
        while not self.cancelled:
            try:
                self._upload.put(chunk, timeout=0.5)
            except Full:
                continue
            return

    def receive(self, message: Any) -> None:
        """What the client sent on this call after opening it."""
        if isinstance(message, bytes):
            self._uploaded(message)
        elif message.get("end"):
            self._uploaded(None)
        elif message.get("cancel"):
            self.cancel()
        else:
            for _ in range(int(message.get("credit", 0))):
                self._credit.release()

    def cancel(self) -> None:
        self._cancelled.set()
