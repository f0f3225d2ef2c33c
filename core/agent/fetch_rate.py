"""How many connections at once: fewer while the service says that it is busy, then more again, one by one."""

from __future__ import annotations

import random
import threading
import time
from typing import List

from .fetch_ask import Busy

CONNECTIONS = 8
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 20.0
CALM_S = 5.0  # without a refusal, until one connection more is tried


def backoff(times: int) -> float:
    """Seconds before the next try of what failed so many times: between half and all of a doubling time."""
    return min(FIRST_WAIT_S * 2.0 ** (times - 1), LONGEST_WAIT_S) * random.uniform(0.5, 1.0)  # noqa: S311


class Rate:
    """`allowed`: connections that may ask now. For several threads."""

    def __init__(self, connections: int) -> None:
        self.most = self.allowed = connections
        self.said: List[str] = []  # notices that nobody has taken yet
        self._lock = threading.Lock()
        self._until = 0.0  # monotonic: nobody asks before
        self._last = 0.0

    def refused(self, busy: Busy, times: int) -> float:
        """Seconds that this request waits; the first refusal in a while halves the connections."""
        now = time.monotonic()
        wait = max(backoff(times), (busy.wait_s or 0.0) * random.uniform(1.0, 1.1))  # noqa: S311
        with self._lock:
            if busy.wait_s:
                self._until = max(self._until, now + busy.wait_s)
            if now - self._last > 1.0:
                self.allowed = max(1, self.allowed // 2)
                again = "" if not busy.wait_s else ", asked to wait %g s" % busy.wait_s
                plural = "" if self.allowed == 1 else "s"
                what = "the storage service is busy (%s)%s: %d connection%s from now on"
                self.said.append(what % (busy.code[:60], again, self.allowed, plural))
            self._last = now
        return wait

    def pause(self) -> float:
        """Seconds until anybody may ask again."""
        return max(0.0, self._until - time.monotonic()) if self._until else 0.0

    def calm(self) -> None:
        """Called now and then: one connection more where the service has not refused for a while."""
        with self._lock:
            now = time.monotonic()
            if self.allowed < self.most and now - self._last > CALM_S:
                self.allowed += 1
                self._last = now - 1.01  # a refusal now halves them again
