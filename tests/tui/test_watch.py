"""The run that is open in Watch: its log stays, it is followed again, and what is said of it and of the link is so."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes import history
from tests.fakes.script import NOON, RUN, Scenario
from tui import run_list, words
from tui.screens.runs import RunsScreen
from tui.screens.watch import WatchPane
from tui.widgets.link_line import LinkLine
from tui.wizard import Wizard

from .walk import Walk, drawn, walking

pytestmark = pytest.mark.usefixtures("brisk")
LOST = "⚠ link lost: last seen 12:03, the run goes on"


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "now", lambda: NOON + 184)
    monkeypatch.setattr(run_list, "now", lambda: NOON + 184)


def watch(walk: Walk) -> WatchPane:
    pane = walk.pane
    assert isinstance(pane, WatchPane)
    return pane


def head(walk: Walk) -> str:
    return walk.pane_text("#run-head")


def link(walk: Walk) -> str:
    line = walk.app.wizard.query_one(LinkLine)
    line.tell()
    return str(line.content) if line.display else ""


def log(walk: Walk) -> str:
    store = watch(walk).log_view.store
    return store.read(0, store.size).decode()


async def test_a_run_that_is_followed_again_keeps_its_log_and_goes_on_from_there() -> None:
    scenario = Scenario(hold={"half": asyncio.Event()}, resources=True)
    async with walking(scenario) as walk:
        await walk.pilot.press("5", "enter")
        await walk.until(lambda: "epoch  20" in log(walk))
        await walk.press("escape")
        before = log(walk)
        assert "not followed since 12:03:04; r follows it again" in head(walk)

        scenario.hold["follow"] = asyncio.Event()
        await walk.pilot.press("r")
        await walk.pilot.pause()
        assert log(walk) == before and "● running" in head(walk), "while it waits for the VM"
        await walk.press("escape")
        scenario.hold.pop("follow")
        scenario.unreachable = True
        await walk.press("r")
        assert log(walk) == before and walk.pane.panel.error is not None, "it failed"
        assert link(walk) == LOST

        scenario.unreachable = False
        await walk.press("o")
        assert isinstance(walk.app.screen, RunsScreen)
        scenario.hold.clear()
        await walk.press("enter")
        assert isinstance(walk.app.screen, Wizard) and not link(walk), "opened from the list it is followed"
        assert walk.runs.followed == [(RUN, 0), *[(RUN, len(before.encode()))] * 3]
        assert "✓ completed" in head(walk) and log(walk).startswith(before)
        lines = [line for line in log(walk).splitlines() if line.startswith("epoch")]
        assert len(lines) == 40 == len(set(lines)), "each line once"
        chart = watch(walk).chart
        assert len(chart.now.series["loss"]) == 40 and list(chart.now.series["loss"].steps) == list(
            map(float, range(40))
        )

        at = len(walk.runs.followed)
        await walk.press("o", "enter")
        assert len(walk.runs.followed) == at + 1, "also one that has ended"
        await walk.press("4", "enter", "enter", "5")
        assert len(walk.runs.followed) == at + 2, "a launch that found the same run"


async def test_a_lost_link_says_that_the_run_goes_on_and_the_try_has_a_clock_that_moves() -> None:
    scenario = Scenario(link_lost=True, earlier=5, hold={"wait": asyncio.Event(), "lost": asyncio.Event()})
    now = [0.0]
    async with walking(scenario) as walk:
        walk.app.session.clock = lambda: now[0]
        await walk.pilot.press("5", "enter")
        await walk.until(lambda: walk.app.session.link.lost)
        assert link(walk) == f"{LOST} · next try in 5 s"
        now[0] = 3.2
        assert link(walk) == f"{LOST} · next try in 2 s"
        now[0] = 17.0
        assert link(walk) == f"{LOST} · trying now · 1st try · 0:12"
        scenario.hold.pop("wait").set()
        await walk.until(lambda: "3rd" in link(walk))
        now[0] = 92.0
        await walk.pilot.press("4")
        await walk.pilot.pause()
        assert link(walk) == f"{LOST} · trying now · 3rd try · 1:15"
        assert link(walk) in walk.screen_text(), "whole, at 80 columns, in Launch"

        scenario.unreachable = True
        await walk.pilot.press("o")
        await walk.until(lambda: isinstance(walk.app.screen, RunsScreen) and "try in" in walk.screen_text())
        scenario.unreachable = False
        await walk.pilot.press("r")
        await walk.until(lambda: "6 runs · seen" in walk.screen_text())
        scenario.unreachable = True
        await walk.pilot.press("r")
        await walk.until(lambda: "last seen 12:03, 2 runs go on · next try in 5 s · r asks now" in walk.screen_text())
        await walk.pilot.press("escape")
        await walk.pilot.pause()
        assert "3rd try" in link(walk), "who follows has a connection of its own"
        await walk.pilot.press("5", "escape")
        await walk.until(lambda: not watch(walk).going)
        assert link(walk) == LOST and "r follows it again" in head(walk)
        scenario.unreachable = scenario.link_lost = False
        scenario.hold = {"half": asyncio.Event()}
        await walk.pilot.press("r")
        await walk.until(lambda: not link(walk))
        assert watch(walk).going and walk.state == "going", "as soon as the VM says anything"
        scenario.hold["half"].set()
        await walk.settled()
        assert walk.state == "done"


async def test_whatever_hears_the_vm_again_says_so() -> None:
    """Also what is no step and no list: the choice of an earlier run, of a run to start from, a comparison."""
    async with walking(Scenario(earlier=3)) as walk:
        await walk.press("5", "enter", "o", "down", "space", "down", "space")
        for keys in (("v", "escape", "escape"), ("tab", "e", "escape"), ("4", "s", "escape")):
            walk.app.session.link.failed()
            if not isinstance(walk.app.screen, RunsScreen):
                assert link(walk) == LOST.partition(",")[0]
            await walk.press(*keys)
            assert not link(walk), keys


async def test_the_head_names_the_run_its_place_in_the_queue_and_what_it_never_said() -> None:
    hostile = "a\x1b]0;evil\x07[bold]b\n" + "患者" * 90
    hold = {"queue": asyncio.Event(), "follow": asyncio.Event()}
    scenario = Scenario(name=hostile, queue=(2, 0), silent=True, hold=hold)
    async with walking(scenario) as walk:
        await walk.pilot.press("5", "enter")
        await walk.until(lambda: "✓ completed" in head(walk))
        await drawn(walk)
        assert "logged no metric" not in walk.screen_text(), "nothing was read yet"
        scenario.hold.pop("follow").set()
        await walk.until(lambda: "before it" in head(walk))
        assert head(walk).startswith("○ queued  01JDEMO8Z4V7Q  a[bold]b 患者") and head(walk).endswith(
            "2 runs before it"
        )
        assert "…" in head(walk) and "demo" in head(walk) and "2 runs before it" in walk.screen_text()
        for size in ((120, 40), (60, 18), (80, 24)):
            await walk.pilot.resize_terminal(*size)
            await walk.pilot.pause()
            await walk.until(lambda: "2 runs before it" in walk.screen_text())
            await walk.until(lambda: watch(walk).query_one("#run-head").size.height == 1)
        scenario.hold.pop("queue").set()
        await walk.settled()
        assert "✓ completed" in head(walk) and "It printed nothing and logged no metric" in walk.screen_text()

        scenario.no_runs = True
        await walk.press("r")
        assert "? gone" in head(walk) and "it was deleted, and nothing was read of it" in " ".join(head(walk).split())
        walk.app.clear_notifications()
        await walk.press("escape", "x")
        assert "the VM has it no more" in walk.notices()


async def test_a_comparison_with_a_run_that_goes_on_says_as_of_when() -> None:
    async with walking(Scenario(earlier=3), (120, 40)) as walk:
        await walk.press("o", "down", "space", "down", "space", "v")
        assert "running  as of 12:03:04 · autolog demo 2" in walk.screen_text()
        assert walk.screen_text().count("as of") == 1
        await walk.press("escape", "escape", "5", "enter", "tab", "e", "down", "enter")
        chart = watch(walk).chart
        info = walk.app.session.told[chart.earlier_run]
        assert (info.run, info.state) == (history.ulid(2), "running"), "the one that goes on"
        assert chart.earlier_until == "as of 12:03:04"
