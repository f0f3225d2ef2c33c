"""The stages of Model say what is true: the one that is going, and nothing of one that did not start."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Button, Input

from tests.fakes.script import EARLIER, RUN, Scenario

from .walk import Walk, walking


async def _turns(walk: Walk) -> None:
    for _ in range(10):
        await walk.pilot.pause()


@pytest.mark.parametrize("before", ["○ to do", "✓ done"])
async def test_escape_gives_a_stage_back_what_it_was(before: str) -> None:
    scenario = Scenario()
    async with walking(scenario) as walk:
        await walk.press("5", "enter", "6", "enter")
        if "done" in before:
            await walk.press("enter")
        scenario.hold["package"] = asyncio.Event()
        walk.pane.package()  # type: ignore[attr-defined]
        await _turns(walk)
        assert "● going" in walk.pane_text("#said-package")
        await walk.pilot.press("escape")
        await _turns(walk)
        assert before in walk.pane_text("#said-package")
        assert "✓ done" in walk.pane_text("#said-register")


async def test_a_new_run_begins_with_nothing_said_of_the_one_before() -> None:
    scenario = Scenario(service_fails=True, first_try=True)
    async with walking(scenario) as walk:
        session = walk.app.session
        await walk.press("5", "enter", "6", "enter", "enter", "enter")
        assert walk.pane.panel.error is not None and walk.state == "failed"
        session.run = EARLIER
        session.journey.finish("launch", EARLIER)  # as a launch does that ends while this pane is shown
        await walk.settled()
        assert [walk.state, walk.app.wizard.pane.panel.error] == ["todo", None]
        assert f"register the model of {EARLIER[:13]}" in walk.status and "to do" in walk.pane_text("#said-package")
        assert EARLIER in walk.pane.cli()
        scenario.service_fails = False
        await walk.press(*["enter"] * 4)
        assert walk.state == "done"
        session.run = RUN
        await walk.press("5", "6")
        assert walk.state == "stale" and "is another run than the one that it was done for" in walk.status


async def test_a_run_without_a_model_promises_none() -> None:
    async with walking(Scenario(no_model=True)) as walk:
        await walk.press("5", "enter")
        assert "It logged no model to register" in walk.status
    async with walking() as walk:
        await walk.press("5", "enter")
        assert "Next registers its model" in walk.status


async def test_the_button_names_the_row_that_is_typed() -> None:
    async with walking() as walk:
        await walk.press("5", "enter", "6", "enter", "enter", "enter")
        assert walk.pane.query_one("#primary", Button).label == "Ask for row 17"
        walk.pane.query_one("#row", Input).focus()
        await walk.type("2")
        assert walk.pane.query_one("#primary", Button).label == "Ask for row 172"


async def test_a_stage_that_did_not_start_is_not_marked() -> None:
    gate = asyncio.Event()
    scenario = Scenario(service_fails=True, hold={"deploy": gate})
    async with walking(scenario) as walk:
        await walk.press("5", "enter", "6", "enter", "enter")
        await walk.pilot.press("enter")
        await _turns(walk)
        walk.pane.register()  # type: ignore[attr-defined]
        await _turns(walk)
        assert "Still going" in walk.notices()
        assert "● going" in walk.pane_text("#said-deploy")
        gate.set()
        await walk.settled()
        assert "✗ failed" in walk.pane_text("#said-deploy")
        assert "✓ done" in walk.pane_text("#said-register")
