"""What is to be done later, on a clock that nobody sets."""

from __future__ import annotations

import time
from typing import Callable, Dict, Optional

Work = Callable[[], object]


class Timers:
    def __init__(self) -> None:
        self._due: Dict[Work, float] = {}
        self._every: Dict[Work, float] = {}

    def after(self, seconds: float, work: Work) -> None:
        """Once; a second call for the same work counts instead of the first."""
        self._due[work] = time.monotonic() + seconds

    def every(self, seconds: float, work: Work) -> None:
        self._every[work] = seconds
        self.after(seconds, work)

    def off(self, work: Work) -> None:
        self._every.pop(work, None)
        self._due.pop(work, None)

    def patience(self) -> Optional[float]:
        """Seconds until something is due; None: for ever."""
        return max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None

    def ring(self) -> None:
        """Does what is due."""
        now = time.monotonic()
        for work in [work for work, due in self._due.items() if due <= now]:
            del self._due[work]
            if work in self._every:
                self.after(self._every[work], work)
            work()
