"""How fast a recorded session plays: a speed, a pause, or one phase at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from .errors import TrainshedError
from .events import BuildLog, Event, Phase, RunFinished, RunStateChanged

LONGEST_PAUSE_S = 2.0
BUILD_PAUSE_S = 0.1  # before a line of a build: nobody wants to watch one again in full
BEGIN = (Phase, RunStateChanged, RunFinished)  # what a step of `step` begins with


class Pace:
    """`speed`: 10 is ten times as fast, 0 waits for nothing. `step`: stops before each phase.

    `gate`: what a stop waits for, in place of `go_on`. `on_change` is called when it stops and goes on.
    """

    def __init__(self, speed: float = 1.0, *, step: bool = False, gate: Callable[[], Awaitable[None]] | None = None):
        self.speed = speed
        self.step = step
        self.on_change: Callable[[], None] = lambda: None
        self._gate = gate
        self._open = asyncio.Event()
        self._open.set()

    @property
    def stopped(self) -> bool:
        return not self._open.is_set()

    def stop(self) -> None:
        self._open.clear()
        self.on_change()

    def go_on(self) -> None:
        """To the end, or with `step` to the next phase."""
        self._open.set()
        self.on_change()

    async def rest(self, seconds: float) -> None:
        """So long, at this speed, and then until it goes on."""
        await asyncio.sleep(seconds / self.speed if self.speed else 0)
        await self._open.wait()

    async def before(self, entry: Event | TrainshedError, pause: float, *, first: bool) -> None:
        """Waits as long as the entry's turn takes to come; `pause` is what it took when it was recorded, in seconds."""
        longest = BUILD_PAUSE_S if isinstance(entry, BuildLog) else LONGEST_PAUSE_S
        await asyncio.sleep(min(pause, longest) / self.speed if self.speed else 0)
        if self.step and not first and isinstance(entry, BEGIN):
            if self._gate is not None:
                await self._gate()
                return
            self.stop()
        await self._open.wait()
