"""How the program behaves everywhere: keys, sizes, colours, pasting, crashing."""

from __future__ import annotations

import asyncio
import shlex
import stat
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, cast

import pytest
from textual import events
from textual.widgets import Input, Label, Static

from core.demo import RECORDED
from core.services import Events
from tests.fakes.script import Scenario
from tests.fakes.services import fake_services
from tui.app import TrainshedApp
from tui.cli import call
from tui.screens.help import HelpScreen
from tui.settings import Settings
from tui.steps import STEPS
from tui.themes import CHOICES
from tui.widgets.key_line import KeyLine

from .walk import Walk, make_app, walking

PLACES = [str(number) for number in range(1, 7)]


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize("place", PLACES)
async def test_the_footer_has_at_most_six_keys_and_fits_80_columns(place: str) -> None:
    async with walking() as walk:
        await walk.press(place, "enter")
        for search in ([], ["slash", "e", "enter"]) if place == "5" else ([],):
            await walk.press(*search)
            await walk.pilot.pause()
            keys = walk.app.screen.query_one(KeyLine).keys
            assert 3 <= len(keys) <= 6
            led = {key.key for key in keys} & {"b", "n"}
            assert led <= {"1": {"n"}, "6": {"b"}}.get(place, {"b", "n"}), "a key that leads nowhere"
            assert max(key.right for key in keys) <= 80


async def test_q_quits_at_once_where_nothing_goes_on() -> None:
    async with walking() as walk:
        await walk.pilot.press("q")
        await walk.pilot.pause()
        assert walk.app._exit


async def test_help_lists_the_keys_of_where_you_are() -> None:
    async with walking() as walk:
        await walk.press("5", "question_mark")
        assert isinstance(walk.app.screen, HelpScreen)
        keys = {does: key for key, does in walk.app.screen.keys}
        assert keys["Cancel run"] == "x"
        assert keys["Next metric"] == "m"
        assert (keys["Next hit (not now)"], keys["Next"], keys["Enlarge/back"]) == ("n", "n", "z")
        assert (keys["Every action by name"], keys["Settings"], keys["Commands"]) == ("^p", ",", "c")
        assert [title for title, _ in walk.app.screen.groups] == ["In Watch", "Everywhere"]
        assert "States of a step" in _texts(walk)
        await walk.press("escape", "1", "question_mark")
        assert "Cancel run" not in str(walk.app.screen.keys)
        await walk.press("escape", "5", "enter", "slash", "e", "enter", "question_mark")
        assert isinstance(walk.app.screen, HelpScreen)
        assert {"Next hit", "Next"} & {does for key, does in walk.app.screen.keys if key == "n"} == {"Next hit"}
        await walk.press("escape", "escape", "tab", "v", "question_mark")
        assert isinstance(walk.app.screen, HelpScreen) and ("a", "All of these") in walk.app.screen.keys
        assert "States of a step" not in _texts(walk), "a question has none"


def _texts(walk: Walk) -> list[str]:
    return [str(each.content) for each in walk.app.screen.query(Static)]


async def test_the_palette_has_every_step_and_theme_and_the_actions_of_the_place() -> None:
    async with walking() as walk:
        await walk.press("5")
        titles = {command.title for command in walk.app.get_system_commands(walk.app.screen)}
        assert {f"Go to {step.title}" for step in STEPS} <= titles
        assert {f"Theme {setting}" for setting in CHOICES} <= titles
        assert {"Cancel run", "Search", "Quit", "All runs"} <= titles


async def test_the_commands_pane_shows_what_ran_and_the_equal_command_line() -> None:
    async with walking() as walk:
        await walk.press("enter", "c")
        said = walk.screen_text()
        assert "ssh azureuser@203.0.113.10" in said
        assert "trainshed --site ward-7 connect stackvm" in said


async def test_a_late_tick_does_not_say_that_what_has_ended_goes_on() -> None:
    async with walking() as walk:
        await walk.press("enter")
        ended = walk.status
        assert ended.startswith("✓ Connected")
        walk.pane.status._draw()
        assert walk.status == ended


def _commands_open(walk: Walk) -> bool:
    return walk.app.screen.query_one("#commands").display


async def test_escape_closes_the_commands_and_what_is_going_goes_on() -> None:
    async with walking(Scenario(hold={"login": asyncio.Event()})) as walk:
        await walk.pilot.press("enter", "c")
        assert _commands_open(walk)
        await walk.pilot.press("escape")
        assert not _commands_open(walk)
        assert walk.state == "going"
        await walk.pilot.press("c")
        walk.app.screen.query_one("#ran").focus()
        await walk.pilot.press("escape")
        assert not _commands_open(walk)
        assert walk.app.focused is walk.pane.query_one("#primary")
        await walk.pilot.press("escape")
        await walk.pilot.pause()
        assert walk.state == "todo"


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize("place", PLACES)
async def test_ctrl_c_says_what_quits(place: str) -> None:
    async with walking() as walk:
        await walk.press(place, "ctrl+c")
        assert "q quits; runs on the VM go on." in walk.notices()


async def test_ctrl_c_in_watch_says_what_cancels_the_run() -> None:
    async with walking(Scenario(hold={"half": asyncio.Event()})) as walk:
        await walk.pilot.press("5", "enter")
        for _ in range(50):
            await walk.pilot.pause()
        await walk.pilot.press("ctrl+c")
        await walk.pilot.pause()
        assert "x cancels 01JDEMO8Z4V7Q" in walk.notices()
        assert "Escape stops watching" in walk.notices()


async def test_ctrl_c_in_a_field_copies_what_is_selected_else_says_what_quits() -> None:
    async with walking() as walk:
        field = walk.pane.query_one("#target", Input)
        field.focus()
        await walk.press("ctrl+c")
        assert "ctrl+q quits" in walk.notices()
        walk.app.clear_notifications()
        await walk.press("shift+home", "ctrl+c")
        assert walk.app.clipboard == "stackvm"
        assert not walk.notices()


async def test_ctrl_c_in_a_question_says_what_closes_it() -> None:
    async with walking(Scenario(host_key="unknown")) as walk:
        await walk.press("enter", "ctrl+c")
        assert "Escape closes this" in walk.notices()


@pytest.mark.parametrize("size", [(59, 24), (80, 17), (20, 5)])
async def test_too_small_says_so_and_nothing_is_lost(size: tuple[int, int]) -> None:
    async with walking() as walk:
        walk.pane.query_one("#fingerprint", Input).value = "SHA256:abc"
        await walk.pilot.resize_terminal(*size)
        await walk.pilot.pause()
        assert "too small" in " ".join(walk.screen_text().split())
        assert "Fingerprint" not in walk.screen_text()
        await walk.pilot.resize_terminal(60, 18)
        await walk.pilot.pause()
        assert "too small" not in walk.screen_text()
        assert "SHA256:abc" in walk.screen_text()


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize("place", PLACES)
async def test_the_smallest_size_still_shows_the_main_button(place: str) -> None:
    async with walking(size=(60, 18)) as walk:
        await walk.press(place)
        button = walk.pane.query_one("#primary")
        assert button.region.height == 1
        assert walk.app.screen.region.contains_region(button.region)


@pytest.mark.usefixtures("brisk")
async def test_the_welcome_offers_the_demo_as_a_button_and_a_label_is_as_good_as_its_field() -> None:
    async with walking(Scenario(site="", vm="")) as walk:
        assert "New here?" in walk.screen_text()
        await walk.pilot.click(list(walk.pane.query(Label).results())[1])
        assert walk.app.focused is walk.pane.query_one("#fingerprint")
        await walk.press("ctrl+o", "p")
        assert walk.app.return_value == "demo"


def test_the_demo_that_was_wanted_is_played_in_the_place_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.commands import start

    async def shown(app: TrainshedApp) -> None:
        app._return_value = "demo"

    played: list[Path] = []

    def play(_settings: Settings, file: Path, _speed: float) -> int:
        played.append(file)
        return 7

    monkeypatch.setattr(TrainshedApp, "show", shown)
    monkeypatch.setattr("tui.commands.replay.play", play)
    assert start.show(fake_services(), Settings()) == 7 and played == [RECORDED]


async def test_pasting_a_megabyte_does_not_hang() -> None:
    async with walking() as walk:
        field = walk.pane.query_one("#target", Input)
        field.focus()
        await walk.pilot.pause()
        began = monotonic()
        field.post_message(events.Paste("x" * 1_048_576))
        await walk.pilot.pause()
        await walk.pilot.press("a")
        assert monotonic() - began < 2
        assert field.value == "stackvma"
        assert "1,048,576 characters" in walk.notices()
        field.post_message(events.Paste("b\nc\r\nd\n"))
        await walk.pilot.pause()
        assert field.value == "stackvmab" and "3 lines were pasted; this field takes the first alone" in walk.notices()


async def test_the_line_end_of_a_pasted_line_is_nothing_to_speak_of() -> None:
    async with walking() as walk:
        field = walk.pane.query_one("#target", Input)
        field.focus()
        field.post_message(events.Paste("b\r\n"))
        await walk.pilot.pause()
        assert field.value == "stackvmb" and "were pasted" not in walk.notices()


async def test_a_mistake_of_our_own_ends_with_a_report_without_secrets(home: Path) -> None:
    app = make_app()

    class Wrong:
        def run(self, groups: object = (), *, sudo: object = None) -> Events:
            raise RuntimeError("AccountKey=verysecretkey and more")

    app.session.services = replace(app.session.services, checks=cast("Any", Wrong()))
    with pytest.raises(Exception, match="AccountKey"):
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("2", "enter")
            for _ in range(20):
                await pilot.pause()
    assert app.return_code == 1
    (report,) = (home / "state" / "sites" / "ward-7" / "reports").glob("crash-*.txt")
    text = report.read_text()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "RuntimeError" in text
    assert "step: check" in text
    assert "AccountKey=***" in text
    assert "verysecretkey" not in text


async def test_a_closed_app_closes_the_connection() -> None:
    async with walking(Scenario()) as walk:
        app = walk.app
        await walk.press("enter")
    for _ in range(5):
        await asyncio.sleep(0)
    assert app.session.services.connection.closed  # type: ignore[attr-defined]


@pytest.mark.usefixtures("brisk")
async def test_every_equal_command_line_is_one_that_the_program_has(capsys: pytest.CaptureFixture[str]) -> None:
    async with walking() as walk:
        lines: set[str] = set()
        await walk.press("enter")
        for keys in (("2", "enter"), ("3", "enter", "enter"), ("4", "enter", "enter"), ("5",), ("6", *["enter"] * 4)):
            for key in keys:
                await walk.press(key)
                lines.add(walk.pane.cli())
        lines |= {command.text for command in walk.app.session.commands if command.where == "cli"}
    assert len(lines) >= 10
    for line in sorted(lines):
        words = shlex.split(line)[1:]
        code = await asyncio.to_thread(call, [*words, "--help"])  # options are read before help is given
        assert code == 0, f"{line}: {capsys.readouterr().err}"
