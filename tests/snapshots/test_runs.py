"""How the list of runs and the comparison look in each of their states."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual.pilot import Pilot

from core.runs import owner
from tests.fakes import history
from tests.fakes.script import NOON, Scenario
from tests.tui.walk import Walk, make_app
from tui import run_list

from .test_screens import LARGE, SMALL, Compare, frozen

__all__ = ["frozen"]

MARKED = ("down", "space", "down", "down", "space")


@dataclass
class Case:
    keys: tuple[str, ...] = ()
    sizes: tuple[tuple[int, int], ...] = (SMALL,)
    theme: str = "trainshed-dark"
    scenario: dict[str, Any] = field(default_factory=lambda: {"earlier": 40})
    then: Callable[[Scenario], None] | None = None  # before the last key
    colour: bool = True


def _cut(scenario: Scenario) -> None:
    scenario.unreachable = True


CASES = {
    "runs": Case(("down", "space"), (SMALL, LARGE)),
    "empty": Case(sizes=(SMALL, LARGE), scenario={"no_runs": True}),
    "failed": Case(scenario={"runs_fail": True}),
    "unreachable": Case(scenario={"unreachable": True}),
    "lost": Case(("r",), (SMALL, LARGE), then=_cut),
    "no-colour": Case(("slash", *"owner:ben", "enter", "S"), colour=False),
    "delete": Case(("down", "D")),
    "compare": Case((*MARKED, "v"), (SMALL, LARGE)),
    "code": Case((*MARKED, "v", "G"), theme="trainshed-light"),
}
EACH = [(name, size) for name, case in CASES.items() for size in case.sizes]


@pytest.fixture(autouse=True)
def same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "now", lambda: NOON + 184)
    monkeypatch.setattr(owner, "me", lambda: history.ME)


@pytest.mark.parametrize(("name", "size"), EACH, ids=[f"{name}-{w}x{h}" for name, (w, h) in EACH])
def test_runs(name: str, size: tuple[int, int], snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    if not case.colour:
        monkeypatch.setenv("NO_COLOR", "1")
    scenario = Scenario(**case.scenario)
    app = make_app(scenario, theme=case.theme, label="demo")

    async def before(pilot: Pilot[Any]) -> None:
        walk = Walk(app, pilot)
        await walk.press("o")
        await pilot.press(*case.keys[:-1])
        await walk.settled()
        if case.then is not None:
            case.then(scenario)
        await walk.press(*case.keys[-1:])
        app.clear_notifications()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_loading(snap_compare: Compare) -> None:
    app = make_app(Scenario(hold={"list": asyncio.Event()}), label="demo")

    async def before(pilot: Pilot[Any]) -> None:
        await pilot.press("o")
        for _ in range(5):
            await pilot.pause()

    assert snap_compare(app, terminal_size=SMALL, run_before=before)
