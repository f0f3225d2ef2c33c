"""How far a staging is, how fast it goes and how long it takes still."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Deque, Dict, Tuple

EVERY_S = 0.2  # between two events
WINDOW_S = 6.0  # over which the rate is taken
SHORTEST_S = 1.0  # less is no rate yet


class Pace:
    """`total` and what is done in bytes; what was there already counts as done, and not as rate."""

    def __init__(self, total: int, there: int) -> None:
        self._total = total
        self._there = there
        self._seen: Deque[Tuple[float, int]] = deque([(time.monotonic(), 0)])

    def event(self, came: int) -> Dict[str, Any]:
        """`came`: bytes of the network so far."""
        now = time.monotonic()
        self._seen.append((now, came))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()
        done = min(self._there + came, self._total)
        said: Dict[str, Any] = {"event": "progress", "done": done, "total": self._total, "unit": "bytes"}
        since, before = self._seen[0]
        if now - since >= SHORTEST_S:
            rate = max(came - before, 0) / (now - since)
            said["rate"] = round(rate)
            if rate >= 1:
                said["left_s"] = round((self._total - done) / rate, 1)
        return said
