"""A run that ends is told once: in the program, and to the terminal where nobody looks at it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import msgspec
import pytest
from textual import events as textual

from core import events
from tests.fakes import history
from tests.fakes.runs import FakeRuns
from tests.fakes.script import NOON, RUN, Scenario
from tui import endings

from .walk import Walk, walking


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is written to the terminal. The clock of the wall stands where the fake run begins."""
    written: list[str] = []
    monkeypatch.setattr(time, "time", lambda: NOON)
    monkeypatch.setattr(endings.Endings, "to_terminal", lambda _app, text: written.append(text))
    for name in ("TMUX", "STY", "KITTY_WINDOW_ID", "TERM_PROGRAM", "VTE_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-kitty")
    yield written


async def _blur(walk: Walk) -> None:
    walk.app.post_message(textual.AppBlur())
    await walk.pilot.pause()


async def test_a_launched_run_is_told_when_nobody_looks_and_only_once(told: list[str]) -> None:
    scenario = Scenario(run_fails=True)
    async with walking(scenario) as walk:
        await walk.press("4", "enter")
        hold = scenario.hold["half"] = asyncio.Event()
        await walk.pilot.press("enter", "5")
        await _blur(walk)
        assert list(walk.app.awaited) == [RUN]
        hold.set()
        await walk.settled()
        assert walk.notices().count("✗ failed: breast-cancer. o lists all runs.") == 1
        assert len(told) == 1 and "breast-cancer failed on stackvm" in told[0] and told[0].startswith("\x07\x1b]99;")
        await walk.press("r")
        assert len(told) == 1, "read again from its beginning, it is no news"


async def test_what_is_looked_at_is_told_by_the_screen_alone(told: list[str]) -> None:
    async with walking() as walk:
        await walk.press("4", "enter", "enter", "5")
        assert walk.app.session.journey.states["watch"] == "done"
        assert not walk.app.awaited and told == []
        assert "o lists all runs" not in walk.notices()


async def test_a_run_that_nobody_follows_is_asked_for_and_its_name_cannot_steer_the_terminal(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    async with walking(Scenario(earlier=3)) as walk:
        app = walk.app
        app.session.clock = lambda: now[0]
        app.heed(events.RunStateChanged(run=history.ulid(2), state="running", time=NOON))
        await _blur(walk)
        runs = app.session.services.runs
        assert isinstance(runs, FakeRuns)
        runs.before[0] = msgspec.structs.replace(
            runs.before[0], name="a\x1b]0;evil\x07;b\x1b[2J", state="completed", ended=NOON + 9
        )
        app._look()
        await walk.settled()
        assert told == [] and list(app.awaited) == [history.ulid(2)], "it was heard of a moment ago"
        now[0] = 16.0
        app.session.label = "replay"
        app._look()
        await walk.settled()
        assert told == []
        app.session.label = ""
        app._look()
        await walk.settled()
        (text,) = told
        assert "ab completed on stackvm" in text and "evil" not in text and "2J" not in text
        assert not app.awaited and "completed: a;b." in walk.notices()
        app.change("notifications", False)
        app.heed(events.RunStateChanged(run=RUN, state="running", time=NOON))
        app.heed(events.RunStateChanged(run=RUN, state="lost", time=NOON + 9))
        await walk.pilot.pause()
        assert len(told) == 1 and "? lost: 01JDEMO8Z4V7Q" in walk.notices()
        app.heed(events.RunStateChanged(run=history.ulid(1), state="running", time=NOON - 99))
        app.heed(events.RunStateChanged(run=history.ulid(1), state="completed", time=NOON - 9))
        await walk.pilot.pause()
        assert "01JDEMA000001" not in walk.notices(), "it had ended before anybody waited for it"
