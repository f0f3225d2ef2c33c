"""How the main states look, as SVG: made anew with `pytest tests/snapshots --snapshot-update`, then looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.fakes.script import Scenario
from tests.tui.walk import Walk, drawn, make_app

Compare = Callable[..., bool]
SMALL, LARGE = (80, 24), (120, 40)

USED = Scenario(resources=True)
BEFORE = Scenario(resources=True, first_try=True)
LOOK = ["left", "shift+left"]

# name: scenario, keys, sizes, theme
STATES: dict[str, tuple[Scenario, list[str], tuple[tuple[int, int], ...], str]] = {
    "start": (Scenario(), [], (SMALL, LARGE), "trainshed-dark"),
    "first-start": (Scenario(site="", vm=""), [], (SMALL,), "trainshed-dark"),
    "connected": (Scenario(), ["enter"], (SMALL, LARGE), "trainshed-dark"),
    "host-key-unknown": (Scenario(host_key="unknown"), ["enter"], (SMALL,), "trainshed-dark"),
    "host-key-changed": (Scenario(host_key="changed"), ["enter"], (SMALL, LARGE), "trainshed-dark"),
    "unreachable": (Scenario(unreachable=True), ["enter", "d"], (SMALL,), "trainshed-dark"),
    "checked": (Scenario(), ["2", "enter"], (SMALL, LARGE), "trainshed-dark"),
    "checked-again": (Scenario(checked_before=True), ["2", "enter"], (SMALL, LARGE), "trainshed-light"),
    "check-filter": (
        Scenario(checked_before=True),
        ["2", "enter", "slash", *"changed", "enter"],
        (SMALL,),
        "trainshed-dark",
    ),
    "fix": (Scenario(), ["2", "enter", "space", "f"], (SMALL, LARGE), "trainshed-dark"),
    "fix-failed": (
        Scenario(locked_out=True),
        ["2", "enter", "f", "f", *"stackvm", "enter"],
        (SMALL,),
        "trainshed-light",
    ),
    "data-broken": (Scenario(broken_link="data.tls"), ["3", "enter"], (SMALL,), "trainshed-dark"),
    "data-staged": (Scenario(), ["3", "enter", "enter"], (SMALL, LARGE), "trainshed-dark"),
    "launch-empty": (Scenario(), ["4"], (SMALL, LARGE), "trainshed-dark"),
    "plan": (Scenario(), ["4", "enter"], (SMALL, LARGE), "trainshed-dark"),
    "launch-failed": (Scenario(build_fails=True), ["4", "enter", "enter"], (SMALL,), "trainshed-dark"),
    "launched": (Scenario(), ["4", "enter", "enter"], (SMALL, LARGE), "trainshed-light"),
    "start-from": (Scenario(), ["4", "s"], (SMALL,), "trainshed-dark"),
    "watch": (USED, ["1", "enter", "5"], (SMALL, LARGE), "trainshed-dark"),
    "watch-light": (USED, ["1", "enter", "5"], (SMALL, LARGE), "trainshed-light"),
    "watch-compared": (BEFORE, ["1", "enter", "5", "tab", "e", "enter", "s", *LOOK], (LARGE,), "trainshed-dark"),
    "watch-no-color": (BEFORE, ["1", "enter", "5", "tab", "e", "enter", "s", "z", "a"], (SMALL,), "trainshed-dark"),
    "watch-curves": (Scenario(), ["5", "enter", "tab", "v"], (SMALL,), "trainshed-dark"),
    "watch-resources": (USED, ["1", "enter", "5", "tab", "tab", "z"], (SMALL,), "trainshed-dark"),
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
    """The cursor stands still."""
    monkeypatch.setattr(Input, "cursor_blink", False)


@pytest.mark.parametrize(("name", "size"), CASES, ids=[f"{name}-{w}x{h}" for name, (w, h) in CASES])
def test_screen(name: str, size: tuple[int, int], snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario, keys, _, theme = STATES[name]
    if "no-color" in name:
        monkeypatch.setenv("NO_COLOR", "1")
    more = {"job": None} if name == "launch-empty" else {}
    app = make_app(scenario, theme=theme, label="demo", **more)

    async def before(pilot: Pilot[Any]) -> None:
        walk = Walk(app, pilot)
        for key in keys:
            await walk.press(key)
        await walk.settled()
        await drawn(walk)
        app.clear_notifications()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=before)


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
