"""What a VM says reaches the screen and the terminal as text only."""

from __future__ import annotations

import asyncio

import pytest

from core import errors, events
from core.services import Events
from tests.fakes.script import RUN, Scenario
from tui import failures
from tui.settings import Settings

from .walk import walking

EVIL = "bad\x1b]52;c;aGk=\x07\x9b2J\u202e\x1b[31mend"


def _harmless(text: str) -> bool:
    return "badend" in text and not set(text) & set("\x1b\x07\x9b\u202e")


async def test_an_error_of_the_vm_is_shown_as_text() -> None:
    async with walking() as walk:
        error = errors.RemoteError(EVIL, hint=EVIL, where=EVIL)
        walk.pane.show_error(error)
        walk.pane.details()
        await walk.pilot.pause()
        assert walk.pane_text("#error-text").count("badend") == 3
        assert _harmless(walk.pane_text("#error-text"))
        assert "\x1b" not in walk.screen_text() and "\u202e" not in walk.screen_text()


@pytest.mark.parametrize("json_wanted", [False, True])
def test_an_error_on_the_command_line_is_text(json_wanted: bool, capsys: pytest.CaptureFixture[str]) -> None:
    failures.told(errors.RemoteError(EVIL, hint=EVIL), Settings(json=json_wanted))
    said = capsys.readouterr()
    assert _harmless(said.err) and said.err.count("\n") == 2
    assert not set(said.out) & set("\x1b\x07\x9b\u202e")


async def test_what_a_cancelled_run_says_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = asyncio.Event()
    async with walking(Scenario(hold={"half": gate})) as walk:

        async def cancel(_run: str) -> Events:
            yield events.Notice(text=EVIL)

        monkeypatch.setattr(walk.app.session.services.runs, "cancel", cancel)
        await walk.pilot.press("5")
        pane = walk.pane
        pane._cancel(RUN)  # type: ignore[attr-defined]
        await walk.until(lambda: bool(walk.notices()))
        assert _harmless(walk.notices())
        gate.set()


async def test_an_error_of_ours_does_not_end_a_run_that_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with walking() as walk:

        async def follow(run: str, *, offset: int = 0) -> Events:
            yield events.RunStateChanged(run=run, state="running", time=0)
            raise errors.LinkLost("the connection was lost", offset=offset)

        monkeypatch.setattr(walk.app.session.services.runs, "follow", follow)
        await walk.press("5", "enter")
        assert "the connection was lost" in walk.pane_text("#error-text")
        assert walk.app.session.run_going, "leaving the program still says that a run goes on"
