"""How the main states look, as SVG: made anew with `pytest tests/snapshots --snapshot-update`, then looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.fakes.script import Scenario
from tests.tui.walk import Walk, make_app

Compare = Callable[..., bool]
SMALL, LARGE = (80, 24), (120, 40)

# name: scenario, keys, sizes, theme
STATES: dict[str, tuple[Scenario, list[str], tuple[tuple[int, int], ...], str]] = {
    "start": (Scenario(), [], (SMALL, LARGE), "trainshed-dark"),
    "first-start": (Scenario(site="", vm=""), [], (SMALL,), "trainshed-dark"),
    "connected": (Scenario(), ["enter"], (SMALL, LARGE), "trainshed-dark"),
    "host-key-unknown": (Scenario(host_key="unknown"), ["enter"], (SMALL,), "trainshed-dark"),
    "host-key-changed": (Scenario(host_key="changed"), ["enter"], (SMALL, LARGE), "trainshed-dark"),
    "unreachable": (Scenario(unreachable=True), ["enter", "d"], (SMALL,), "trainshed-dark"),
    "checked": (Scenario(), ["2", "enter"], (SMALL, LARGE), "trainshed-dark"),
    "data-broken": (Scenario(broken_link="data.tls"), ["3", "enter"], (SMALL,), "trainshed-dark"),
    "data-staged": (Scenario(), ["3", "enter", "enter"], (SMALL, LARGE), "trainshed-dark"),
    "plan": (Scenario(), ["4", "enter"], (SMALL,), "trainshed-dark"),
    "watch": (Scenario(), ["5", "enter"], (SMALL, LARGE), "trainshed-dark"),
    "watch-light": (Scenario(), ["5", "enter"], (SMALL,), "trainshed-light"),
    "watch-contrast": (Scenario(), ["5", "enter"], (SMALL,), "trainshed-contrast"),
    "watch-blue-orange": (Scenario(run_fails=True), ["5", "enter"], (SMALL,), "trainshed-blue-orange"),
    "watch-empty": (Scenario(no_runs=True), ["5", "enter"], (SMALL,), "trainshed-dark"),
    "model": (Scenario(), ["5", "enter", "6", *["enter"] * 4], (SMALL, LARGE), "trainshed-dark"),
    "commands": (Scenario(), ["enter", "c"], (SMALL,), "trainshed-dark"),
    "help": (Scenario(), ["5", "question_mark"], (SMALL,), "trainshed-dark"),
    "settings": (Scenario(), ["comma"], (SMALL,), "trainshed-contrast-light"),
    "too-small": (Scenario(), [], ((50, 12),), "trainshed-dark"),
}
CASES = [(name, size) for name, (_, _, sizes, _) in STATES.items() for size in sizes]


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the wall, the zone and the cursor stand still."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(Input, "cursor_blink", False)


async def _settle(walk: Walk) -> None:
    await walk.settled()
    for view in walk.app.screen.query("LogView").results():
        view.draw()  # type: ignore[attr-defined]
    for _ in range(3):
        await walk.pilot.pause()


@pytest.mark.parametrize(("name", "size"), CASES, ids=[f"{name}-{w}x{h}" for name, (w, h) in CASES])
def test_screen(name: str, size: tuple[int, int], snap_compare: Compare) -> None:
    scenario, keys, _, theme = STATES[name]
    app = make_app(scenario, theme=theme, label="demo")

    async def before(pilot: Pilot[Any]) -> None:
        walk = Walk(app, pilot)
        for key in keys:
            await walk.press(key)
        await _settle(walk)
        if "watch" in name and not scenario.no_runs:
            await _plotted(walk)
        app.clear_notifications()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=before)


async def _plotted(walk: Walk) -> None:
    """Until the curve has been drawn in its final size: braille is there, and a second drawing changes nothing."""
    chart = walk.pane.chart  # type: ignore[attr-defined]
    before = ""
    for _ in range(200):
        chart._dirty = True
        await chart.draw()
        await walk.pilot.pause()
        await asyncio.sleep(0.02)
        seen = walk.screen_text()
        if seen == before and any("\u2801" <= char <= "\u28ff" for char in seen):
            return
        before = seen
    raise AssertionError("the curve was not drawn:\n" + seen)


def test_staging_shows_how_far_it_is(snap_compare: Compare) -> None:
    scenario = Scenario()
    app = make_app(scenario)

    async def before(pilot: Pilot[Any]) -> None:
        walk = Walk(app, pilot)
        await walk.press("3", "enter")
        scenario.hold["stage"] = asyncio.Event()
        await pilot.press("enter")
        for _ in range(5):
            await pilot.pause()

    assert snap_compare(app, terminal_size=SMALL, run_before=before)
