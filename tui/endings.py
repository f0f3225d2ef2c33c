"""Says when a run ends that was launched or watched here, also while something else is looked at."""

from __future__ import annotations

import os
import time
from typing import Any

from textual.app import App

from core import events
from core.errors import TrainshedError

from . import notices, untrusted, words
from .preferences import Resolved
from .session import Session
from .text import printable

LOOK_S = 15.0  # between two questions about runs of which nothing was heard
SLACK_S = 2.0  # by which the clocks of the VM and of this machine may still differ
SEVERITY: dict[str, Any] = {"completed": "information", "cancelled": "warning"}  # else error


class Endings(App[Any]):
    """For TrainshedApp. `awaited`: run -> (name, since when, on the clock of the VM)."""

    session: Session
    settings: Resolved

    def on_mount(self) -> None:
        self.awaited: dict[str, tuple[str, float]] = {}
        self.known: set[str] = set()  # runs whose end was told
        self.heard = self.session.clock()
        self.session.on_seen = self.heed
        self.set_interval(1.0, self._look)

    def heed(self, event: events.Event) -> None:
        """What an operation yielded that tells of a run."""
        self.session.link.heed(event)
        match event:
            case events.RunCreated():
                self._await(event.run, event.name)
                self.session.made(event)
            case events.RunStateChanged() if event.state in events.TERMINAL:
                self._ended(event.run, event.state, event.time)
            case events.RunStateChanged():
                self._await(event.run, "")
            case events.RunsListed():
                self.session.told |= {info.run: info for info in event.runs}
                for info in event.runs:
                    self._told(info)
            case _:
                return
        self.heard = self.session.clock()

    def _await(self, run: str, name: str) -> None:
        known, since = self.awaited.get(run, ("", self._vm_time()))
        self.awaited[run] = (known or name, since)

    def _told(self, info: events.RunInfo) -> None:
        if info.run not in self.awaited:
            return
        self.awaited[info.run] = (info.name, self.awaited[info.run][1])
        if info.state in events.TERMINAL:
            self._ended(info.run, info.state, info.ended or self._vm_time())

    def _ended(self, run: str, state: str, at: float) -> None:
        """A run that had ended before anybody here waited for it is no news."""
        name, since = self.awaited.pop(run, ("", float("inf")))
        if at >= since - SLACK_S and run not in self.known:
            self.known.add(run)
            self.tell_end(run, name, state)

    def _vm_time(self) -> float:
        skew = self.session.connected.facts.clock_skew_s if self.session.connected is not None else 0.0
        return time.time() + skew

    def tell_end(self, run: str, name: str, state: str) -> None:
        """A toast, unless the run is what is being looked at; and the terminal's own where it is not looked at."""
        mark = words.RUN[state]
        called = printable(untrusted.plain(name)) or words.short(run)
        if not (self.app_focus and self.looks_at(run)):
            said = f"{mark}: {called}. o lists all runs."
            self.notify(said, severity=SEVERITY.get(state, "error"), timeout=10, markup=False)
        if not self.app_focus and self.settings.preferences.notifications:
            place = self.session.vm or self.session.site
            self.to_terminal(notices.sequence("trainshed", f"{called} {mark.word} on {place}", os.environ))

    def looks_at(self, run: str) -> bool:
        """Whether the screen shows the run."""
        raise NotImplementedError

    def to_terminal(self, text: str) -> None:
        """As Textual's own bell does."""
        if not self.is_headless and self._driver is not None:
            self._driver.write(text)

    def _look(self) -> None:
        quiet = self.session.clock() - self.heard >= LOOK_S
        if self.awaited and quiet and self.session.label != "replay":
            self.heard = self.session.clock()
            self.run_worker(self._ask(), name="Asking how the runs are", group="endings", exclusive=True)

    async def _ask(self) -> None:
        """An error says nothing of a run: it is asked again later."""
        from .screens.work import heard

        for run in list(self.awaited):
            try:
                async with heard(self.session, self.session.services.runs.show(run)) as stream:
                    async for _ in stream:
                        pass
            except TrainshedError:
                continue
