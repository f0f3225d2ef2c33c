"""The findings of the check step: by severity, filtered, and against the last time."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import OptionList

from tests.fakes.script import Scenario

from .walk import Walk, walking


def lines(walk: Walk) -> list[str]:
    return [str(option.prompt) for option in walk.pane.query_one(OptionList).options]


def heads(walk: Walk) -> list[str]:
    return [str(option.prompt) for option in walk.pane.query_one(OptionList).options if option.disabled]


@pytest.mark.usefixtures("brisk")
async def test_findings_are_grouped_filtered_and_compared() -> None:
    async with walking(Scenario(checked_before=True), size=(120, 40)) as walk:
        await walk.press("2", "slash")
        assert "nothing to filter yet" in walk.notices()
        await walk.press("v")
        assert "Nothing is compared yet" in walk.notices()
        await walk.press("enter")
        assert heads(walk) == [
            "High (1)",
            "Medium (1)",
            "Low (1)",
            "Info (1)",
            "Not judged (3)",
            "As it should be (25)",
        ]
        assert "1 new, 1 better, 1 gone" in walk.status and "since 22 Nov 12:00" in walk.status
        assert "new · Passwords are refused" in lines(walk)[1]
        assert "Changed  new: pass → fail" in walk.pane_text("#check-text")

        await walk.press("slash")
        await walk.type("CRITICAL tls")
        assert heads(walk) == ["As it should be (1)"] and "data · " in lines(walk)[1]
        ran = len(walk.app.session.commands)
        await walk.press("enter", "x")  # a letter is a key again
        assert len(walk.app.session.commands) == ran, "the filter is done, and nothing is checked again"
        assert walk.pane.query_one("#check-filter").display and len(lines(walk)) == 2
        await walk.press("escape")
        assert len(lines(walk)) == 38 and not walk.pane.query_one("#check-filter").display

        await walk.press("slash")
        await walk.type("no such check")
        assert not lines(walk) and "No check has 'no such check'" in walk.pane_text("#check-text")
        await walk.press("escape", "escape", "v")
        assert [line for line in lines(walk) if "·" not in line] == ["High (1)", "Medium (1)", "As it should be (1)"]
        await walk.press("down")
        selected = walk.pane.query_one(OptionList).highlighted
        await walk.press("v")
        assert len(lines(walk)) == 38 and selected is not None
        assert "better" in lines(walk)[walk.pane.query_one(OptionList).highlighted or 0]  # the same check as before


async def test_what_only_root_can_read_takes_the_password_of_sudo_once() -> None:
    scenario = Scenario()
    async with walking(scenario) as walk:
        await walk.press("2", "S")
        await walk.type("geheim")
        await walk.press("enter")
        assert scenario.sudo_given == ["geheim"] and walk.state == "done"
        assert any(command.text.endswith("check --sudo") for command in walk.app.session.commands)
        await walk.press("r")
        assert scenario.sudo_given == ["geheim"] and "geheim" not in walk.screen_text()


async def test_the_first_time_nothing_is_compared() -> None:
    async with walking() as walk:
        await walk.press("2", "enter", "v")
        assert "Nothing is compared yet" in walk.notices() and "since" not in walk.status


@pytest.mark.usefixtures("brisk")
async def test_a_check_that_fails_or_is_stopped_leaves_what_was_found_before() -> None:
    scenario = Scenario()
    async with walking(scenario, size=(120, 40)) as walk:
        await walk.press("2", "enter", "space")
        before = lines(walk)
        scenario.unreachable = True
        await walk.press("r")
        assert walk.state == "failed" and lines(walk) == before and "◆" in "".join(lines(walk))
        assert "failed after" in walk.status and "; the findings are those of the check before" in walk.status
        scenario.unreachable, scenario.hold["check"] = False, asyncio.Event()
        await walk.pilot.press("r")
        await walk.until(lambda: "Asking the server" in walk.status)
        await walk.press("escape")
        assert "stopped; the findings are those of the check before" in walk.status and lines(walk) == before
        scenario.broken_link = "data.tls"
        del scenario.hold["check"]
        await walk.press("r")
        assert "◆" not in "".join(lines(walk)) and walk.state == "done" and lines(walk) != before
