"""How each step and each question looks: empty, going, failed, disconnected; dark, light, without colour."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.fakes.script import NOON, Scenario
from tests.tui.walk import Walk, make_app
from tui.app import TrainshedApp

from .test_screens import LARGE, SMALL, Compare, frozen

__all__ = ["frozen"]

BOTH = (SMALL, LARGE)
RUN = "01JDEMO8Z4V7Q2M5K9X3T6W1RB"


def _run_goes_on(app: TrainshedApp) -> None:
    app.session.run, app.session.run_going = RUN, True


def _quiet(app: TrainshedApp) -> None:
    TrainshedApp.clear_notifications(app)  # what was said stays


def _lost(app: TrainshedApp) -> None:
    app.session.services.connection.scenario.unreachable = True  # type: ignore[attr-defined]


@dataclass
class Case:
    keys: tuple[str, ...] = ()
    sizes: tuple[tuple[int, int], ...] = (SMALL,)
    scenario: dict[str, Any] = field(default_factory=dict)
    hold: str = ""  # the point where the operation that the last key begins stands still
    then: Callable[[TrainshedApp], None] | None = None  # before the last key
    run: str = ""  # that is open
    theme: str = "dark"
    colour: bool = True


CASES = {
    "welcome": Case(sizes=(LARGE,), scenario={"site": "", "vm": ""}, theme="light"),
    "connect-going": Case(("enter",), hold="login"),
    "connect-failed": Case(("enter",), (LARGE,), {"unreachable": True}, theme="light"),
    "connect-failed-no-colour": Case(("enter", "d"), scenario={"host_key": "changed"}, colour=False),
    "connect-lost": Case(("enter", "r"), then=_lost),
    "check-empty": Case(("2",), BOTH),
    "check-going": Case(("2", "enter"), BOTH, hold="ssh.kex"),
    "check-lost": Case(("2", "enter", "r"), then=_lost),
    "check-no-colour": Case(("2", "enter"), colour=False),
    "check-light": Case(("2", "enter"), theme="light"),
    "data-empty": Case(("3",), BOTH),
    "data-going": Case(("3", "enter"), (LARGE,), hold="data.tls"),
    "data-broken": Case(("3", "enter"), (LARGE,), {"broken_link": "data.tls"}, theme="light"),
    "data-no-colour": Case(("3", "enter"), scenario={"broken_link": "data.tls"}, colour=False),
    "data-lost": Case(("3", "enter", "enter", "r"), then=_lost),
    "model-empty": Case(("6",), BOTH),
    "model-going": Case(("6", "enter"), hold="register", run=RUN),
    "model-failed": Case(("6", "enter", "enter", "enter"), (LARGE,), {"service_fails": True}, run=RUN, theme="light"),
    "model-no-colour": Case(("6", "enter", "enter", "enter"), (SMALL,), {"service_fails": True}, run=RUN, colour=False),
    "host-key-no-colour": Case(("enter",), scenario={"host_key": "unknown"}, colour=False),
    "passphrase": Case(("enter",), scenario={"passphrase": "x"}, theme="light"),
    "quit": Case(("q",), then=_run_goes_on),
    "job-files": Case(("4", "f"), (LARGE,)),
    "key": Case(("comma", "end", "enter")),
    "help": Case(("6", "question_mark"), (LARGE,), theme="light"),
    "said": Case(("F", "5", "x", "M"), then=_quiet),
    "jump": Case(("6", "J"), BOTH),
    "jump-no-colour": Case(("enter", "J"), scenario={"unreachable": True}, colour=False),
    "jump-question": Case(("enter", "ctrl+o"), scenario={"host_key": "unknown"}, theme="light"),
}
EACH = [(name, size) for name, case in CASES.items() for size in case.sizes]


@pytest.fixture(autouse=True)
def same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.toasts.time.time", lambda: NOON)


@pytest.mark.parametrize(("name", "size"), EACH, ids=[f"{name}-{w}x{h}" for name, (w, h) in EACH])
def test_step(name: str, size: tuple[int, int], snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    if not case.colour:
        monkeypatch.setenv("NO_COLOR", "1")
    scenario = Scenario(**case.scenario)
    app = make_app(scenario, theme=f"trainshed-{case.theme}", label="demo")

    async def before(pilot: Pilot[Any]) -> None:
        walk = Walk(app, pilot)
        app.session.run = case.run
        await walk.press(*case.keys[:-1])
        if case.then is not None:
            case.then(app)
        if case.hold:
            scenario.hold[case.hold] = asyncio.Event()
            await pilot.press(*case.keys[-1:])
            await walk.until(lambda: walk.state == "going")
            for _ in range(8):
                await pilot.pause()
        else:
            await walk.press(*case.keys[-1:])
        app.clear_notifications()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=before)
