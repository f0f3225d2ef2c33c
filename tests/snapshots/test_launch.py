"""How Launch looks while it works, and where something went wrong; `test_screens` has the other states."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.fakes.script import Scenario
from tests.tui.walk import Walk, make_app

from .test_screens import LARGE, SMALL, Compare, frozen

__all__ = ["frozen"]

BOTH = (SMALL, LARGE)


def _edit(scenario: Scenario) -> None:
    scenario.edited = "--fast"


def _hold(point: str) -> Callable[[Scenario], None]:
    return lambda scenario: scenario.hold.update({point: asyncio.Event()})


@dataclass
class Case:
    keys: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...] = BOTH
    theme: str = "trainshed-dark"
    scenario: dict[str, Any] = field(default_factory=dict)
    then: Callable[[Scenario], None] = lambda _scenario: None  # before the last key
    colour: bool = True


CASES = {
    "looking": Case(("enter",), then=_hold("dry")),
    "going": Case(("enter", "enter"), then=_hold("build")),
    "failed": Case(("enter", "enter"), (LARGE,), scenario={"build_fails": True}),
    "disconnected": Case(("enter",), scenario={"unreachable": True}),
    "no-job": Case(("e", "end", "x", "enter"), BOTH),
    "changed": Case(("enter", "enter"), theme="trainshed-light", then=_edit),
    "no-colour": Case(("enter", "e"), (SMALL,), colour=False),
}
EACH = [(name, size) for name, case in CASES.items() for size in case.sizes]


@pytest.mark.parametrize(("name", "size"), EACH, ids=[f"{name}-{w}x{h}" for name, (w, h) in EACH])
def test_launch(name: str, size: tuple[int, int], snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    if not case.colour:
        monkeypatch.setenv("NO_COLOR", "1")
    scenario = Scenario(**case.scenario)
    app = make_app(scenario, theme=case.theme, label="demo")

    async def before(pilot: Pilot[Any]) -> None:
        walk = Walk(app, pilot)
        await walk.press("4", *case.keys[:-1])
        case.then(scenario)
        await pilot.press(case.keys[-1])
        if scenario.hold:
            await walk.until(lambda: walk.pane.going and bool(walk.pane_text("#plan")))
            for _ in range(5):
                await pilot.pause()
        else:
            await walk.settled()
        app.clear_notifications()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=before)
