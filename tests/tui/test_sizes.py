"""Any size: while something goes on a new size loses nothing, too small says so, and the largest is used."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Input

from tests.fakes.script import Scenario

from .walk import Walk, walking

pytestmark = pytest.mark.usefixtures("brisk")
SIZES = [(120, 40), (40, 24), (59, 18), (200, 60), (60, 18), (20, 5), (80, 24)]


def _shows(walk: Walk, text: str) -> bool:
    return text in " ".join(walk.screen_text().split())


async def test_what_goes_on_and_what_was_typed_outlives_every_size() -> None:
    scenario = Scenario(hold={"stage": asyncio.Event()})
    async with walking(scenario) as walk:
        await walk.press("3", "enter")
        walk.pane.query_one("#path", Input).value = "samples/"
        await walk.pilot.press("enter")
        await walk.until(lambda: walk.state == "going")
        for width, height in SIZES:
            await walk.pilot.resize_terminal(width, height)
            small = width < 60 or height < 18
            await walk.until(lambda small=small: _shows(walk, "too small") == small)  # type: ignore[misc]
            await walk.until(lambda small=small: _shows(walk, "0 B of 124 kB") != small)  # type: ignore[misc]
            await walk.pilot.press("question_mark", "escape")
            assert walk.state == "going"
        scenario.hold["stage"].set()
        await walk.settled()
        assert walk.state == "done"
        assert walk.pane.value("path") == "samples/"


@pytest.mark.parametrize("step", ["1", "2", "3", "4", "5", "6"])
async def test_on_a_large_screen_the_pane_has_all_the_room_and_nothing_is_cut(step: str) -> None:
    async with walking(size=(200, 60)) as walk:
        await walk.press(step, "enter")
        pane, rail = walk.pane.region, walk.app.screen.query_one("#rail").region
        assert (pane.x, pane.right) == (rail.right, 200)
        for button in walk.pane.query("Button").results():
            assert not button.region or walk.app.screen.region.contains_region(button.region)
