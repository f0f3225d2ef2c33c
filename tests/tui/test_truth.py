"""What the rail and the panes say of a step is what is so now."""

from __future__ import annotations

import asyncio

from tests.fakes.script import Scenario
from tui.widgets.panels import Panels

from .walk import walking


async def test_an_error_of_the_connection_goes_once_connect_has_succeeded() -> None:
    scenario = Scenario(unreachable=True)
    async with walking(scenario) as walk:
        await walk.press("2", "enter", "enter", "3", "enter")
        states = walk.app.session.journey.states
        assert (states["check"], states["data"]) == ("failed", "failed")
        scenario.unreachable = False
        await walk.press("1", "enter")
        assert (states["connect"], states["check"], states["data"]) == ("done", "todo", "todo")
        await walk.press("2")
        assert "connection refused" not in walk.screen_text()
        assert "reached again" in walk.status
        await walk.press("enter")
        assert states["check"] == "done"


async def test_what_was_done_before_the_connection_failed_is_stale_afterwards() -> None:
    scenario = Scenario()
    async with walking(scenario) as walk:
        await walk.press("2", "enter")
        scenario.unreachable = True
        await walk.press("r", "1", "enter")
        states = walk.app.session.journey.states
        assert (states["connect"], states["check"]) == ("failed", "failed")
        scenario.unreachable = False
        await walk.press("3", "enter")
        assert (states["connect"], states["check"]) == ("todo", "stale")


async def test_another_error_stays_when_the_vm_is_reached() -> None:
    async with walking(Scenario(host_key="changed", broken_link="data.tls")) as walk:
        await walk.press("enter", "3", "enter", "2", "enter")
        states = walk.app.session.journey.states
        assert (states["connect"], states["data"]) == ("failed", "failed")
        await walk.press("1")
        assert "is not the one that was expected" in " ".join(walk.screen_text().split())


async def test_a_look_at_a_job_says_nothing_of_the_connection() -> None:
    async with walking(Scenario(unreachable=True)) as walk:
        await walk.press("2", "enter", "4", "enter")
        assert walk.app.session.journey.states["check"] == "failed"


async def test_a_launch_that_staged_the_data_makes_that_step_done() -> None:
    async with walking() as walk:
        await walk.press("4", "enter")
        states = walk.app.session.journey.states
        assert states["data"] == "todo"
        await walk.press("enter")
        assert (states["data"], states["launch"]) == ("done", "done")
        await walk.press("3")
        assert "2 files" in walk.pane_text("#staged")
        assert "not tried" not in walk.status


async def test_data_staged_by_hand_stays_what_it_is_after_a_launch() -> None:
    async with walking() as walk:
        await walk.press("3", "enter", "enter", "4", "enter", "enter")
        states = walk.app.session.journey.states
        assert (states["data"], states["launch"]) == ("done", "done")


async def test_a_run_that_is_not_followed_any_more_is_said_to_be_so_and_escape_leaves_the_panel_first() -> None:
    async with walking(Scenario(hold={"half": asyncio.Event()})) as walk:
        await walk.pilot.press("5", "enter")
        await walk.pilot.pause()
        await walk.pilot.press("z")
        await walk.pilot.pause()
        panels = walk.pane.query_one(Panels)
        assert panels.has_class("-only-log")
        await walk.pilot.press("escape")
        await walk.pilot.pause()
        assert not panels.only and walk.pane.going
        await walk.pilot.press("escape")
        await walk.settled()
        assert "stopped" in walk.status and "not followed since" in walk.pane_text("#run-head")
        walk.app.session.services.runs.scenario.hold.clear()  # type: ignore[attr-defined]
        await walk.press("r")
        assert "✓ completed" in walk.pane_text("#run-head") and "not followed" not in walk.pane_text("#run-head")
