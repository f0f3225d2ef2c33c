"""Watch, the list of runs and the comparison in each of their states, by keys alone, in one walk for each size.

120×40 is light, 80×24 is without colours; `test_screens` and `test_runs` have the dark ones.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]
from syrupy.assertion import SnapshotAssertion

from core.runs import owner
from tests.fakes import history
from tests.fakes.runs import FakeRuns
from tests.fakes.script import NOON, Scenario
from tests.tui.conftest import brisk
from tests.tui.walk import Walk, drawn, make_app
from tui import run_list, words

from .test_screens import LARGE, SMALL, frozen

__all__ = ["brisk", "frozen"]


class Shots:
    """Compares what the screen shows with its picture; those that differ are told at the end."""

    def __init__(self, walk: Walk, snapshot: SnapshotAssertion) -> None:
        self.walk, self.snapshot = walk, snapshot.use_extension(SVGImageExtension)
        self.other: list[str] = []

    async def take(self, name: str, *holds: str) -> None:
        """`holds`: points at which the script is held, of which nothing is held any more afterwards."""
        self.walk.app.clear_notifications()
        before, now = "", "?"
        while before != now:  # until nothing moves any more
            before = now
            for _ in range(3):
                await self.walk.pilot.pause()
            if self.walk.app.screen is self.walk.app.wizard:
                await drawn(self.walk)
            now = self.walk.screen_text()
        size = self.walk.app.size
        if self.walk.app.export_screenshot() != self.snapshot(name=f"{name}-{size.width}x{size.height}"):
            self.other.append(name)
        hold = self.walk.app.session.services.runs.scenario.hold  # type: ignore[attr-defined]
        for point in holds:
            hold.pop(point).set()


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (run_list, words):
        monkeypatch.setattr(module, "now", lambda: NOON + 184)
    monkeypatch.setattr(owner, "me", lambda: history.ME)


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
async def test_each_state(size: tuple[int, int], snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    if size == SMALL:
        monkeypatch.setenv("NO_COLOR", "1")
    scenario = Scenario(no_runs=True, resources=True)
    app = make_app(scenario, theme="trainshed-dark" if size == SMALL else "trainshed-light")
    async with app.run_test(size=size) as pilot:
        await app.wizard.complete.wait()
        walk = Walk(app, pilot)
        shots = Shots(walk, snapshot)
        runs = app.session.services.runs
        assert isinstance(runs, FakeRuns)
        for states in (_runs, _compare, _watch):
            await states(walk, shots, runs)
    assert not shots.other, "these look otherwise"


async def _until(walk: Walk, said: str) -> None:
    await walk.until(lambda: said in walk.screen_text())


async def _runs(walk: Walk, shots: Shots, runs: FakeRuns) -> None:
    scenario = runs.scenario
    scenario.hold["list"] = asyncio.Event()
    await walk.pilot.press("o")
    await shots.take("runs-loading", "list")
    await walk.settled()
    await shots.take("runs-empty")
    scenario.no_runs, scenario.epochs, runs.state = False, 40, "running"
    runs.before = history.earlier(20, scenario.vm)
    await walk.press("r", "down", "space", "down", "down", "space")
    await shots.take("runs-going")
    scenario.unreachable = True
    await walk.press("r")
    await shots.take("runs-disconnected")
    scenario.unreachable, scenario.runs_fail = False, True
    await walk.press("escape", "o")
    await shots.take("runs-failed")
    scenario.runs_fail = False
    await walk.press("r")


async def _compare(walk: Walk, shots: Shots, runs: FakeRuns) -> None:
    scenario = runs.scenario
    scenario.hold["compare"] = asyncio.Event()
    await walk.press("space", *["down"] * 4, "space")
    await walk.pilot.press("v")
    await shots.take("compare-loading", "compare")
    await walk.settled()
    await shots.take("compare-going")
    scenario.unreachable = True
    await walk.press("r")
    await shots.take("compare-disconnected")
    scenario.unreachable, kept = False, runs.before
    runs.before = []
    await walk.press("escape", "r")
    await shots.take("compare-failed")
    runs.before = [_bare(info) for info in kept]
    await walk.press("escape", "escape", "r", "u", "slash", *"state:created", "enter", "space", "down", "space", "v")
    await shots.take("compare-empty")
    await walk.press("escape", "escape", "escape")
    runs.before = []


def _bare(info: Any) -> Any:
    """A run of which nothing is known that could be compared."""
    import msgspec

    bare: dict[str, Any] = {"params": {}, "data": {}, "tags": {}, "code_digest": "", "metrics": {}}
    return msgspec.structs.replace(info, **bare)


async def _watch(walk: Walk, shots: Shots, runs: FakeRuns) -> None:
    scenario = runs.scenario
    scenario.no_runs = True
    await walk.press("1", "enter", "5")
    await shots.take("watch-empty")
    scenario.no_runs = False
    scenario.hold |= {point: asyncio.Event() for point in ("follow", "half")}
    await walk.pilot.press("enter")
    await _until(walk, "Following")
    await shots.take("watch-loading", "follow")
    await _until(walk, "epoch  20")
    await shots.take("watch-going")
    await walk.press("escape")
    await shots.take("watch-stopped", "half")
    scenario.hold["lost"], scenario.link_lost, scenario.run_fails = asyncio.Event(), True, True
    await walk.pilot.press("r")
    await walk.until(lambda: walk.app.session.link.trying is not None)
    await _until(walk, "3rd try")
    await shots.take("watch-disconnected", "lost")
    await walk.settled()
    await shots.take("watch-failed")
