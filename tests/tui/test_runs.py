"""The list of runs over the steps: found, sorted, opened, ended and removed by keys alone, and never the wrong one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from textual.widgets import Button

from core.runs import owner
from tests.fakes import history
from tests.fakes.script import NOON, RUN, Scenario
from tui import run_list
from tui.screens.compare import CompareScreen
from tui.screens.dialogues import Confirmation, TypedConfirmation
from tui.screens.help import HelpScreen
from tui.screens.place import Place
from tui.screens.runs import RunsScreen
from tui.widgets.errors import ErrorPanel
from tui.widgets.key_line import KeyLine
from tui.widgets.run_table import RunTable
from tui.wizard import Wizard

from .walk import Walk, walking


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "now", lambda: NOON + 184)
    monkeypatch.setattr(owner, "me", lambda: history.ME)


@asynccontextmanager
async def runs(earlier: int = 21, size: tuple[int, int] = (80, 24), **more: Any) -> AsyncIterator[Walk]:
    scenario = more.pop("scenario", None) or Scenario(earlier=earlier)
    async with walking(scenario, size, **more) as walk:
        await walk.press("o")
        assert isinstance(walk.app.screen, RunsScreen)
        yield walk


def table(walk: Walk) -> RunTable:
    return walk.app.screen.query_one(RunTable)


def listed(walk: Walk) -> list[str]:
    return [row.info.name for row in table(walk).runs.shown]


def cursor(walk: Walk) -> tuple[str, int]:
    """The run under it, and where on the screen it is."""
    view = table(walk)
    return view.here, view.at - view.scroll_offset.y


async def test_a_run_is_found_sorted_and_opened_and_escape_leads_back() -> None:
    async with walking(Scenario(earlier=40)) as walk:
        await walk.press("3", "o")
        assert len(listed(walk)) == 41 and listed(walk)[0] == "breast-cancer"
        assert "41 runs · seen" in walk.screen_text()
        await walk.press("slash")
        await walk.type("state:failed owner:me")
        await walk.press("enter")
        assert set(listed(walk)) == {"breast-cancer 8", "ward-7 nightly 15", "sweep lr 29", "breast-cancer 36"}
        assert "of 41 runs" in walk.screen_text()
        await walk.press("slash")
        await walk.type(" nobody")
        assert "No run has" in walk.screen_text()
        await walk.press("escape", "escape")
        assert len(listed(walk)) == 41, "Escape leaves the field, then takes the filter away"
        await walk.press("s")
        assert "TOOK ▼" in walk.screen_text() and "highest first" in walk.notices()
        longest = listed(walk)[0]
        await walk.press("S")
        assert "TOOK ▲" in walk.screen_text() and listed(walk)[-1] == longest
        await walk.pilot.click(RunTable, offset=(20, 0))
        assert "NAME ▲" in walk.screen_text() and listed(walk)[0] == "autolog demo 10"
        await walk.press("m")
        assert "LOSS" in walk.screen_text()
        await walk.press("G")
        assert table(walk).here == table(walk).runs.shown[-1].info.run
        await walk.press("escape")
        assert isinstance(walk.app.screen, Wizard) and walk.app.wizard.here == "data"
        await walk.press("o", "slash")
        assert "NAME ▲" in walk.screen_text() and "LOSS" in walk.screen_text(), "as it was left"
        await walk.type("demo")
        wanted = table(walk).runs.shown[1].info.run
        await walk.pilot.click(RunTable, offset=(20, 2), times=2)
        await walk.settled()
        assert isinstance(walk.app.screen, Wizard) and walk.app.wizard.here == "watch"
        assert walk.app.session.run == wanted
        await walk.press("o")
        assert table(walk).runs.filter == "demo" and "demo" in walk.screen_text() and len(listed(walk)) < 41


async def test_a_new_look_moves_neither_cursor_nor_lines_nor_marks() -> None:
    async with runs(200) as walk:
        await walk.press(*["pagedown"] * 3, "up", "up", "space")
        before, marked = cursor(walk), list(table(walk).marked)
        assert before[1] > 0 and table(walk).scroll_offset.y > 0
        known = walk.runs.before
        late = [
            msgspec.structs.replace(known[0], run=history.ulid(1000 + number), created=NOON + number)
            for number in range(30)
        ]
        walk.runs.before = [*late, *(msgspec.structs.replace(info, ended=NOON) for info in known)]
        await walk.press("r")
        assert len(listed(walk)) == 231
        assert cursor(walk) == before and table(walk).marked == marked
        table(walk).scroll_to(y=0, animate=False, immediate=True)  # as the wheel does: the cursor is out of sight
        walk.runs.before = walk.runs.before[1:]
        await walk.press("r")
        assert table(walk).scroll_offset.y == 0 and table(walk).here == before[0]
        walk.runs.before = [info for info in walk.runs.before if info.run != before[0]]
        await walk.press("r")
        assert before[0] not in table(walk).runs.rows and table(walk).here
        gone = [run for run in marked if run in table(walk).marked]
        assert gone == [run for run in marked if run != before[0]]


async def test_cancelling_names_the_run_and_another_persons_takes_their_name() -> None:
    async with runs() as walk:
        await walk.press("x")
        assert f"{RUN[:13]} has ended already" in walk.notices()
        await _to(walk, "autolog demo 2")
        await walk.press("x")
        question = walk.app.screen
        assert isinstance(question, Confirmation) and "autolog demo 2" in walk.screen_text()
        await walk.press("enter")  # the safe answer has the focus
        assert walk.runs._known(history.ulid(2)).state == "running"
        await walk.press("x", "tab", "enter")
        assert walk.runs._known(history.ulid(2)).state == "cancelled"
        assert "1 run ended" in walk.screen_text() and "– cancelled   autolog demo 2" in walk.screen_text()
        await _to(walk, "breast-cancer 16")
        await walk.press("x")
        assert isinstance(walk.app.screen, TypedConfirmation) and "ben@lab-3's run, not yours" in walk.screen_text()
        await walk.type("yes")
        await walk.press("enter")
        assert "That is not ben@lab-3" in walk.screen_text() and walk.runs.forced == []
        await walk.press("ctrl+u")
        await walk.type("BEN@lab-3")
        await walk.press("enter")
        assert walk.runs.forced == [history.ulid(16)]
        assert walk.app.session.commands[-1].text.endswith(f"cancel {history.ulid(16)} --force")


async def test_deleting_takes_the_short_name_or_the_number_and_never_what_goes_on() -> None:
    async with runs() as walk:
        await _to(walk, "sweep lr 9")
        await walk.press("D")
        assert "has not ended: x cancels it" in walk.notices()
        await _to(walk, "breast-cancer 0")
        await walk.press("D")
        assert isinstance(walk.app.screen, TypedConfirmation)
        await walk.press("enter")
        assert "Nothing was done" in walk.screen_text()
        await walk.press("escape")
        assert len(listed(walk)) == 22
        await walk.press("D")
        await walk.type(history.ulid(0)[:13].lower())
        await walk.press("enter")
        assert "breast-cancer 0" not in listed(walk) and "1 run deleted" in walk.screen_text()
        await _to(walk, "autolog demo 6")
        await walk.press("space")
        await _to(walk, "sweep lr 5")
        await walk.press("space", "slash")
        await walk.type("nightly")
        await walk.press("enter", "D")
        assert "2 marked, 2 of them not shown" in walk.app.screen_stack[1].query_one("#runs-seen").content.plain  # type: ignore[attr-defined]
        assert "sweep lr 5" in walk.screen_text() and "Type 2 to do it" in walk.screen_text()
        await walk.press("2", "enter", "escape")
        assert {"autolog demo 6", "sweep lr 5"} & set(listed(walk)) == set()
        await _to(walk, "sweep lr 1")
        await walk.press("space", "space", "D")
        assert "those go one by one" in walk.notices()


async def test_deleting_says_what_becomes_of_a_model_of_the_run() -> None:
    async with runs() as walk:
        walk.runs.before = [msgspec.structs.replace(info, models=["sepsis"]) for info in walk.runs.before]
        await walk.press("r")
        await _to(walk, "breast-cancer 0")
        await walk.press("D")
        said = " ".join(walk.screen_text().replace("│", " ").split())
        assert "Their models go with them, and cannot be packaged any more: sepsis." in said


async def _to(walk: Walk, name: str) -> None:
    table(walk).go(listed(walk).index(name))
    await walk.pilot.pause()


async def test_an_error_of_the_vm_stays_with_its_retry_and_read_only_refuses_with_a_reason() -> None:
    async with runs() as walk:
        await _to(walk, "breast-cancer 0")
        await walk.press("D")
        walk.runs.before = [info for info in walk.runs.before if info.run != history.ulid(0)]  # another was first
        await walk.type(history.ulid(0)[:13])
        await walk.press("enter")
        assert "There is no run" in walk.screen_text()
        shown = [button.id for button in walk.app.screen.query_one(ErrorPanel).query(Button).results()]
        assert shown == ["retry", "copy", "details"], "there is nothing to edit"
        await walk.press("y")
        assert "There is no run" in walk.app.clipboard and "runs delete" in walk.app.clipboard
        await walk.press("d")
        assert "exit code 2" in walk.screen_text()
        await walk.press("r")
        assert "Nothing is left to delete" in walk.notices() and "exit code 1" not in walk.screen_text()
        await walk.press("y")
        assert walk.app.clipboard.endswith("--follow") and "logs" in walk.app.clipboard
    async with runs(read_only=True) as walk:
        await _to(walk, "autolog demo 2")
        for key in ("x", "D", "R"):
            await walk.press(key)
            assert isinstance(walk.app.screen, RunsScreen)
        assert walk.notices().count("Read-only: no run is") == 3


async def test_a_run_can_be_started_again_and_is_watched_then() -> None:
    async with runs() as walk:
        await walk.press("R", "tab", "enter")
        assert walk.runs.launches and walk.app.wizard.here == "watch"
        assert walk.app.session.run == RUN


async def test_what_the_vm_does_not_say_is_told_with_the_next_key() -> None:
    scenario = Scenario(no_runs=True, hold={"list": asyncio.Event()})
    async with walking(scenario) as walk:
        await walk.pilot.press("o")
        await walk.pilot.pause()
        assert "Asking the VM for its runs" in walk.screen_text()
        scenario.hold.pop("list").set()
        await walk.settled()
        assert "There is no run yet. Escape, then 4 launches one." in walk.screen_text()
        scenario.no_runs = False
        await walk.press("r")
        assert "1 run · seen" in walk.screen_text()
        scenario.unreachable = True
        await walk.press("r")
        assert "link lost: last seen" in walk.screen_text() and "breast-cancer" in walk.screen_text()
        scenario.unreachable = False
        await walk.press("r")
        assert "link lost" not in walk.screen_text()
    async with runs(scenario=Scenario(runs_fail=True)) as walk:
        assert "did not say which runs there are" in walk.screen_text() and "r asks again" in walk.screen_text()
    async with runs(scenario=Scenario(unreachable=True)) as walk:
        assert "Escape, then 1 connects." in walk.screen_text()


async def test_it_looks_again_by_itself_but_not_below_another_screen() -> None:
    now = [0.0]
    async with walking(Scenario(earlier=1)) as walk:
        walk.app.session.clock = lambda: now[0]
        await walk.press("o")
        screen = walk.app.screen
        assert isinstance(screen, RunsScreen)
        walk.runs.before = history.earlier(5, "vm")
        now[0] = 2.9
        screen._tick()
        await walk.settled()
        assert len(listed(walk)) == 2
        await walk.press("question_mark")
        shown = walk.app.screen
        assert isinstance(shown, HelpScreen)
        keys = {does: key for key, does in shown.keys}
        assert keys["Delete from the VM"] == "D del" and "Scroll Left" not in keys
        await walk.press("escape", "space", "space", "v")
        now[0] = 3.1
        screen._tick()
        await walk.settled()
        assert type(walk.app.screen) is CompareScreen and len(screen.runs.shown) == 2
        await walk.press("escape")
        screen._tick()
        await walk.settled()
        assert len(listed(walk)) == 6


async def test_two_marked_runs_are_compared() -> None:
    async with runs() as walk:
        await walk.press("v")
        assert "0 are marked" in walk.notices()
        await _to(walk, "breast-cancer 0")
        await walk.press("space")
        await _to(walk, "sweep lr 1")
        await walk.press("space", "y")
        line = f"runs compare {history.ulid(0)} {history.ulid(1)}"
        assert walk.app.clipboard.endswith(line)
        await walk.press("v")
        assert isinstance(walk.app.screen, CompareScreen)
        said = walk.screen_text()
        assert "≠ accuracy" in said and "+0.001" in said and "epochs" not in said
        await walk.press("d")
        assert "  epochs" in walk.screen_text()
        await walk.press("G")
        said = walk.screen_text()
        assert "~ changed    train.py" in said and "+MOMENTUM = 0.9" in said and "+print('hello')" in said
        assert "(not a text)" in said
        await walk.press("g", "n", "n")
        assert "accuracy" not in walk.screen_text()
        await walk.press("N", "N", "N")
        assert "That was the first part" in walk.notices()
        await walk.press("s", "y")
        assert walk.app.clipboard.endswith(f"runs compare {history.ulid(1)} {history.ulid(0)}")
        assert "-0.001" in walk.screen_text()
        await walk.press("escape")
        assert isinstance(walk.app.screen, RunsScreen) and len(table(walk).marked) == 2


@pytest.mark.parametrize("place", [RunsScreen, CompareScreen])
async def test_the_footer_and_the_palette_have_the_keys_of_the_place(place: type[Place[Any]]) -> None:
    async with runs(4) as walk:
        there = ["space", "space", "v"] if place is CompareScreen else []
        await walk.press(*there)
        assert type(walk.app.screen) is place
        footer = walk.app.screen.query_one(KeyLine).keys
        assert 3 <= len(footer) <= 6 and max(key.right for key in footer) <= 80
        titles = {command.title for command in walk.app.get_system_commands(walk.app.screen)}
        assert {"Back", "Help", "Only differences" if place is CompareScreen else "Delete from the VM"} <= titles
