"""Jump mode: a letter beside each place, on every screen; it goes there or presses it."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from core.events import RunState
from tests.fakes.script import Scenario
from tui.screens.jump import Jump, Mark
from tui.screens.runs import RunsScreen

from .test_bursts import burst
from .walk import Walk, walking

pytestmark = pytest.mark.usefixtures("brisk")


def kind(walk: Walk) -> str:
    """Of the screen on top."""
    return type(walk.app.screen).__name__


def letters(walk: Walk) -> dict[str, str]:
    """Of what is marked now: name -> letter."""
    jump = walk.app.screen
    assert isinstance(jump, Jump)
    shown = {mark.letter for mark in jump.query(Mark).results() if jump.region.contains_region(mark.region)}
    assert shown == set(jump.places), "each letter can be seen"
    return {name: letter for letter, (name, _, _) in jump.places.items()}


async def test_a_letter_goes_to_a_field_presses_a_button_or_opens_a_step_and_escape_leaves() -> None:
    async with walking() as walk:
        await walk.press("J")
        assert letters(walk) == {
            **{str(number): str(number) for number in range(1, 7)},
            "VM": "v",
            "Fingerprint": "f",
            "Key": "k",
            "Connect": "c",
            "Next ›": "n",
        }
        assert "Press a letter to go there" in walk.screen_text()
        before = walk.app.wizard.focused
        await walk.press("escape")
        assert kind(walk) == "Wizard" and walk.app.wizard.focused is before
        await walk.press("J", "ctrl+o")
        assert kind(walk) == "Wizard"
        await walk.press("J", "q")
        assert kind(walk) == "Jump" and "'q' does nothing here" in walk.notices()
        await walk.press("escape")
        await burst(walk, "Jfxy")
        assert walk.pane.value("fingerprint") == "xy", "the next key is for the field"
        await walk.press("J", "ctrl+o", "k", "K")
        assert walk.pane.value("fingerprint") == "xyJ" and walk.pane.value("identity") == "K"
        walk.pane.query_one("#fingerprint", Input).value = walk.pane.query_one("#identity", Input).value = ""
        await walk.press("ctrl+o", "c")
        assert walk.state == "done" and "J" not in walk.pane.value("target")
        await walk.press("ctrl+o", "5", "enter", "J")
        assert walk.app.wizard.here == "watch"
        assert {"log", "metrics", "resources", "Follow again"} <= set(letters(walk))
        await walk.press(letters(walk)["metrics"])
        assert walk.app.focused is walk.pane.query_one("#metrics")
        await walk.press("J")
        await walk.pilot.click(next(mark for mark in walk.app.screen.query(Mark).results() if mark.letter == "l"))
        await walk.settled()
        assert walk.app.focused is walk.pane.query_one("#log")
        await walk.press("J")
        await walk.pilot.resize_terminal(100, 30)
        await walk.until(lambda: kind(walk) == "Wizard")


async def test_it_works_on_the_screens_over_the_steps_and_in_questions() -> None:
    async with walking(Scenario(earlier=3, host_key="unknown")) as walk:
        await walk.press("enter")
        assert kind(walk) == "HostKeyQuestion"
        await walk.press("J", "ctrl+o")
        assert walk.app.screen_stack[-2].query_one("#answer", Input).value == "J"
        await walk.press(letters(walk)["Do not trust it"])
        assert kind(walk) == "Wizard" and walk.app.session.connected is None
        await walk.press("o", "slash", *"sweep", "enter", "slash", "ctrl+o")
        await walk.press(letters(walk)["run-table"])
        assert kind(walk) == "RunsScreen" and walk.app.focused is walk.app.screen.query_one("#run-table")
        await walk.press("escape", "escape", "comma", "J")
        assert {"settings", "Close"} <= set(letters(walk))
        await walk.press("escape", "end", "enter")
        assert kind(walk) == "KeyQuestion"
        await walk.press("ctrl+o")
        assert kind(walk) == "SettingsScreen", "any key can be chosen, this one too"


async def test_what_is_said_without_colour_is_a_letter_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with walking(size=(60, 18)) as walk:
        await walk.press("J")
        assert "[f]" in walk.screen_text() and "[1]" in walk.screen_text()


async def test_below_the_smallest_size_only_quitting_and_the_help_act() -> None:
    async with walking(Scenario(earlier=2)) as walk:
        target = walk.pane.query_one("#target", Input)
        target.focus()
        await walk.pilot.resize_terminal(59, 17)
        await walk.until(lambda: walk.app.wizard.too_small)
        await burst(walk, "abc\x15\r")
        assert target.value == "stackvm" and walk.state == "todo"
        await walk.press("question_mark")
        assert "Keys of Connect" in walk.screen_text()
        await walk.press("escape")
        walk.pane.focus_first()
        await walk.press("5", "n", "r", "enter", "o", "t", "comma", "J", "M", "ctrl+p")
        assert kind(walk) == "Wizard" and walk.app.wizard.here == "connect" and walk.state == "todo"
        await walk.pilot.resize_terminal(80, 24)
        await walk.until(lambda: not walk.app.wizard.too_small)
        await walk.press("o")
        await walk.pilot.resize_terminal(80, 12)
        await walk.until(lambda: "too small" in walk.screen_text())
        runs = walk.app.screen
        assert isinstance(runs, RunsScreen) and "breast-cancer" not in walk.screen_text()
        going: RunState = "running"
        walk.app.session.run, walk.app.session.run_going = runs.runs.shown[0].info.run, going == "running"
        await walk.press("D", "x", "escape")
        assert walk.app.screen is runs
        await walk.press("q")
        assert "Quit trainshed?" in walk.screen_text()
