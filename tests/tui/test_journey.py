"""The whole journey by keys alone, and what happens to it when steps are taken again."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widget import Widget
from textual.widgets import Input

from tests.fakes.runs import FakeRuns
from tests.fakes.script import RUN, Scenario
from tests.fakes.services import fake_services
from tui.app import TrainshedApp

from .walk import Walk, walking


async def test_enter_alone_walks_the_whole_journey() -> None:
    async with walking() as walk:
        for _ in range(40):
            if walk.app.session.journey.states["model"] == "done":
                break
            if walk.app.wizard.here == "watch" and walk.state == "done":
                await walk.press("n")
            await walk.press("enter")
        assert set(walk.app.session.journey.states.values()) == {"done"}
        assert "it matches the label" in walk.pane_text("#said-invoke")


def _shown(widget: Widget) -> bool:
    above = [node for node in widget.ancestors_with_self if isinstance(node, Widget)]
    return widget.focusable and all(node.display for node in above)


@pytest.mark.usefixtures("brisk")
async def test_tab_reaches_every_field_and_button_of_every_step() -> None:
    async with walking() as walk:
        for number, step in enumerate(("connect", "check", "data", "launch", "watch", "model"), 1):
            await walk.press(str(number))
            wanted = {widget for widget in walk.pane.query("Input, Button").results() if _shown(widget)}
            for _ in range(30):
                if wanted:
                    await walk.pilot.press("tab")
                    wanted -= {walk.app.focused}
            assert not wanted, f"{step}: {wanted}"


async def test_going_back_keeps_what_was_typed_and_found() -> None:
    async with walking() as walk:
        await walk.press("enter")
        walk.pane.query_one("#fingerprint", Input).focus()
        await walk.type("SHA256:abc")
        await walk.press("escape", "4", "3", "2", "b")
        assert walk.app.wizard.here == "connect"
        assert walk.pane.value("fingerprint") == "SHA256:abc"
        assert "Ubuntu" in walk.pane_text("#facts-text")


async def test_back_works_while_a_field_is_invalid() -> None:
    async with walking() as walk:
        await walk.press("6")
        row = walk.pane.query_one("#row", Input)
        row.value = ""
        await walk.press("b")
        assert walk.app.wizard.here == "watch"
        await walk.press("n")
        assert row.value == ""


async def test_a_new_result_makes_later_steps_stale() -> None:
    async with walking() as walk:
        await walk.press("enter", "2", "enter", "3", "enter", "enter")
        states = walk.app.session.journey.states
        assert states["data"] == "done"
        walk.app.session.journey.finish("connect", "another VM")
        await walk.pilot.pause()
        assert [states[step] for step in ("data", "check")] == ["stale", "stale"]
        assert "↻ stale" in walk.screen_text()


async def test_the_same_result_again_leaves_later_steps_done() -> None:
    async with walking() as walk:
        await walk.press("enter", "3", "enter", "enter", "1", "r")
        assert walk.app.session.journey.states["data"] == "done"


async def test_quitting_and_coming_back_shows_the_same_run() -> None:
    services = fake_services(Scenario())
    async with TrainshedApp(services).run_test(size=(80, 24)) as pilot:
        first = Walk(pilot.app, pilot)  # type: ignore[arg-type]
        await first.press("5", "enter")
        lines = len(first.pane.log_view.store)  # type: ignore[attr-defined]
    async with TrainshedApp(services).run_test(size=(80, 24)) as pilot:
        again = Walk(pilot.app, pilot)  # type: ignore[arg-type]
        await again.press("5", "enter")
        assert RUN[:13] in again.pane_text("#run-head")
        assert len(again.pane.log_view.store) == lines > 100  # type: ignore[attr-defined]


async def test_launch_shows_the_command_before_anything_runs() -> None:
    async with walking() as walk:
        runs = walk.app.session.services.runs
        assert isinstance(runs, FakeRuns)
        await walk.press("4", "enter")
        assert "python train.py" in walk.pane_text("#plan")
        assert "gpu-cluster" in walk.pane_text("#plan")
        assert runs.launches == []
        await walk.press("enter")
        assert runs.launches == [(Path("demo/train.yml"), {})]


async def test_a_changed_setting_asks_for_a_look_before_it_launches() -> None:
    async with walking() as walk:
        await walk.press("4", "enter")
        field = walk.pane.query_one("#settings", Input)
        field.focus()
        await walk.type("inputs.lr=0.1")
        assert walk.pane.primary()[0] == "Show what it does"
        await walk.press("enter", "enter")
        runs = walk.app.session.services.runs
        assert isinstance(runs, FakeRuns)
        assert runs.launches[0][1] == {"inputs.lr": "0.1"}


async def test_the_rail_goes_by_mouse_too() -> None:
    async with walking() as walk:
        await walk.pilot.click("#rail-data")
        assert walk.app.wizard.here == "data"
        await walk.pilot.click("#data #go-next")
        assert walk.app.wizard.here == "launch"


async def test_a_second_prediction_can_be_asked_for() -> None:
    async with walking() as walk:
        await walk.press("5", "enter", "6", "enter", "enter", "enter", "enter")
        row = walk.pane.query_one("#row", Input)
        row.value = "13"
        row.focus()
        await walk.press("enter")
        assert "the label is benign" in walk.pane_text("#said-invoke")
        row.value = "900"
        await walk.press("enter")
        assert "no row 900" in walk.text("#model #error-text")


async def test_one_press_starts_one_operation() -> None:
    async with walking() as walk:
        await walk.press("5", "enter", "slash", "l", "enter", "escape", "6", "enter", "enter", "enter", "enter")
        assert walk.notices() == ""
        lines = [command.text for command in walk.app.session.commands if command.where == "cli"]
        assert len(lines) == len(set(lines))
