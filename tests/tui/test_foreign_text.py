"""What a VM says reaches the screen and the terminal as text only."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from core import errors, events
from core.services import Events
from tests.fakes.launches import resolved
from tests.fakes.script import RUN, Scenario
from tui import failures
from tui.screens.watch import WatchPane
from tui.settings import Settings

from .walk import walking

EVIL = "bad\x1b]52;c;aGk=\x07\x9b2J\u202e\x1b[31mend"


def _harmless(text: str) -> bool:
    return "badend" in text and not set(text) & set("\x1b\x07\x9b\u202e")


async def test_inputs_of_a_recording_that_no_job_file_has_are_no_fields() -> None:
    """Their names would be ids of widgets and labels with markup."""
    odd = [("a b", "string"), ("[@click=app.quit]x", "string"), ("x", "odd"), ("x\n", "string"), ("", "string")]
    async with walking() as walk:
        record = resolved(Scenario(), "job.yml", {})
        literal = [events.ResolvedInput(name=name, source="literal", type=kind, value="1") for name, kind in odd]
        record = msgspec.structs.replace(record, inputs=[*record.inputs, *literal])
        await walk.press("4")
        walk.pane.receive(record)
        await walk.pilot.pause()
        shown = {field.id for field in walk.pane.query("#inputs Input").results()}
        assert shown == {"input-lr", "input-epochs", "input-augment"} and "click" in walk.pane_text("#plan")


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

        async def cancel(run: str) -> Events:
            yield events.RunStateChanged(run=run, state="cancelled", time=0, reason=EVIL)

        monkeypatch.setattr(walk.app.session.services.runs, "cancel", cancel)
        await walk.pilot.press("5")
        pane = walk.pane
        assert isinstance(pane, WatchPane)
        pane.seen.run = RUN
        pane._cancel(RUN)
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
