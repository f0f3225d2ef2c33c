"""Helpers to drive the app over the fake services: by keys, waiting for what is going rather than for time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Static

from tests.fakes.runs import FakeRuns
from tests.fakes.script import Scenario
from tests.fakes.services import fake_services
from tui.app import TrainshedApp
from tui.screens.pane import StepPane


class Heard(TrainshedApp):
    """What is cleared from the screen was not said, for `Walk.notices`."""

    def clear_notifications(self) -> None:
        super().clear_notifications()
        self.said.clear()


def make_app(scenario: Scenario | None = None, **more: Any) -> TrainshedApp:
    """An app whose clock stands still."""
    more.setdefault("job", Path("demo/train.yml"))
    return Heard(fake_services(scenario), clock=lambda: 0.0, **more)


class Walk:
    def __init__(self, app: TrainshedApp, pilot: Pilot[Any]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def pane(self) -> StepPane:
        return self.app.wizard.pane

    @property
    def runs(self) -> FakeRuns:
        found = self.app.session.services.runs
        assert isinstance(found, FakeRuns)
        return found

    @property
    def state(self) -> str:
        return self.app.session.journey.states[self.app.wizard.here]

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settled()

    async def type(self, text: str) -> None:
        await self.pilot.press(*text)

    async def settled(self) -> None:
        """Until the pane's operation, and what it leads to, has ended or waits for a person."""
        for _ in range(3):
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()

    async def until(self, true: Callable[[], bool]) -> None:
        """For what `settled` cannot wait for, because something goes on."""
        for _ in range(200):
            if true():
                return
            await self.pilot.pause()
        raise AssertionError(f"it did not come true:\n{self.screen_text()}")

    def text(self, selector: str) -> str:
        return str(self.app.screen.query_one(selector, Static).content)

    def pane_text(self, selector: str) -> str:
        return str(self.pane.query_one(selector, Static).content)

    @property
    def status(self) -> str:
        return str(self.pane.status.content)

    def screen_text(self) -> str:
        """Everything that is on the screen, as a person reads it."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    def notices(self) -> str:
        """All that was said in notices, also in those that another one has replaced."""
        return "\n".join(said.text for said in self.app.said for _ in range(said.count))


@asynccontextmanager
async def walking(
    scenario: Scenario | None = None, size: tuple[int, int] = (80, 24), **more: Any
) -> AsyncIterator[Walk]:
    app = make_app(scenario, **more)
    async with app.run_test(size=size) as pilot:
        await app.wizard.complete.wait()
        await pilot.pause()
        yield Walk(app, pilot)


async def drawn(walk: Walk) -> None:
    """Until what the panels of Watch know is on the screen: their timers draw a few times a second, one can grow."""
    for _ in range(2):
        for panel in walk.app.wizard.pane.query("LogView, ResourcesPanel, MetricChart").results():
            panel._dirty = True  # type: ignore[attr-defined]
            panel.draw()  # type: ignore[attr-defined]
            await walk.pilot.pause()
    await walk.pilot.pause()
