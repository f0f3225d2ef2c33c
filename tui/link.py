"""What is known of the link to the VM: when the VM was last heard of, and how the tries to reach it again go."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from core import events

from . import words

HEARD = (
    events.LogText | events.Metric | events.Resources | events.RunStateChanged | events.RunFinished | events.RunsListed
    | events.RunsCompared | events.RunCreated | events.Connected | events.CheckFinished | events.DataStaged
    | events.DataListed | events.DataChosen | events.DataEvicted | events.DataPurged
)  # fmt: skip


@dataclass
class Trying:
    """One try to reach the VM again. `since`: when it, or the wait for it, began; by the session's clock."""

    attempt: int
    since: float
    wait_s: float | None = None  # None: it goes on now

    def words(self, now: float) -> str:
        """`next try in 4 s`, or `trying now · 3rd try · 0:12`."""
        left = 0.0 if self.wait_s is None else self.since + self.wait_s - now
        if left > 0:
            return f"next try in {math.ceil(left)} s"
        minutes, seconds = divmod(int(max(0.0, now - self.since - (self.wait_s or 0.0))), 60)
        return f"trying now · {ordinal(self.attempt)} try · {minutes}:{seconds:02d}"


class LinkState:
    """`clock`: the session's. `last_seen`: in seconds since the epoch; 0: never. `on_change`: called at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.last_seen = 0.0
        self.lost = False
        self.trying: Trying | None = None  # by whoever follows a run
        self.on_change: Callable[[], None] = lambda: None

    def _set(self, lost: bool, trying: Trying | None) -> None:
        changed = (lost, trying) != (self.lost, self.trying)
        self.lost, self.trying = lost, trying
        if changed:
            self.on_change()

    def heed(self, event: events.Event) -> None:
        """What an operation yielded."""
        match event:
            case events.LinkChanged(state="lost"):
                self.last_seen = event.last_seen
                self._set(True, Trying(1, self._clock(), event.retry_in_s or 0.0))
            case events.LinkChanged():
                self.last_seen = words.now()
                self._set(False, None)
            case events.LinkTry():
                self._set(True, Trying(event.attempt, self._clock(), event.wait_s))
            case _ if isinstance(event, HEARD):
                self.last_seen = words.now()
                if self.lost:
                    self.reached()

    def failed(self) -> None:
        """An operation could not reach the VM, and nobody tries again."""
        self._set(self.last_seen > 0, None)

    def given_up(self) -> None:
        """Whoever tried does so no more."""
        self._set(self.lost, None)

    def reached(self) -> None:
        """An operation reached the VM. Whoever still tries has lost a connection of its own."""
        self._set(self.trying is not None, self.trying)

    def words(self, goes_on: str) -> str:
        """In a line, or nothing while the link holds. `goes_on`: what does so on the VM, or empty."""
        if not self.lost:
            return ""
        goes_on = f", {goes_on}" if goes_on else ""
        tries = f" · {self.trying.words(self._clock())}" if self.trying is not None else ""
        return f"link lost: last seen {words.clock(self.last_seen, '%H:%M')}{goes_on}{tries}"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, `11th` …"""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
