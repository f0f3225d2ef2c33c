"""What is staged, on the Data screen: seen, marked, evicted and purged by keys, and nothing that is needed."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from core import errors
from core.services import Events
from tests.fakes.script import DIGEST, Scenario
from tests.fakes.store import PARTIAL, RECEIPT, VERSIONS
from tui.screens.dialogues import TypedConfirmation
from tui.widgets.staged import StagedTable

from .walk import Walk, walking

SMALL, LARGE = (80, 24), (120, 40)
NEW, OLD = VERSIONS[1].digest, VERSIONS[2].digest


def table(walk: Walk) -> StagedTable:
    return walk.app.wizard.pane.query_one(StagedTable)


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_what_goes_is_named_and_typed_and_what_a_run_needs_stays(size: tuple[int, int]) -> None:
    scenario = Scenario()
    async with walking(scenario, size) as walk:
        await walk.press("3")
        assert not table(walk).parent.display, "nobody has asked the VM yet"  # type: ignore[union-attr]
        await walk.press("enter", "enter")
        shown = walk.screen_text()
        assert "Staged on stackvm: 3 versions, 17.1 GB, 91.3 GB free   l goes there" in shown
        assert "● run 01JDEMO8Z4V7Q" in shown and "blob service" in shown
        await walk.press("l")
        shown = walk.screen_text()
        assert "blob service" not in shown, "the list has the path's place while it has the keys"
        assert NEW[:8] in shown and OLD[:8] in shown, "two versions of a path can be told apart"
        assert "patients/2026-10/ +1" in shown and "◌ unfinished" in shown and "esc goes back" in shown
        await walk.press("enter")
        assert "needs it" in walk.status and DIGEST[:12] in walk.status
        await walk.press("x")
        assert "Nothing would go" in walk.status and "run 01JDEMO8Z4V7Q" in walk.status
        assert not isinstance(walk.app.screen, TypedConfirmation)
        await walk.press("G", "space", "k", "x")
        assert isinstance(walk.app.screen, TypedConfirmation)
        assert "unfinished staging of scans/" in walk.app.screen.text and walk.app.screen.wanted == "1"
        line = walk.app.session.commands[-1].text
        assert line.endswith(f"{PARTIAL.name} --dry-run"), "its path is also that of what is not meant, or empty"
        await walk.press("escape")
        assert not scenario.evicted
        await walk.press("space", "p")
        question = walk.app.screen
        assert isinstance(question, TypedConfirmation) and question.wanted == "2"
        assert "also archive/october/" in question.text and "not overwritten" in question.text
        await walk.type("3")
        await walk.press("enter")
        assert walk.app.screen is question and not scenario.evicted
        await walk.press("backspace", "2", "enter")
        assert scenario.evicted == {OLD, PARTIAL.name}
        assert f"2 things gone, 413 MB free again. The receipt {RECEIPT} is kept here." in walk.status
        assert "1 other may have records." in walk.status
        assert [item.digest for item in table(walk).items] == [DIGEST, NEW]  # type: ignore[union-attr]
        ran = [command.text for command in walk.app.session.commands]
        assert f"trainshed data purge {OLD[:12]} {PARTIAL.name} --yes" in ran[-1].replace("--site ward-7 ", "")
        await walk.press("escape")
        assert walk.app.focused is not None and walk.app.focused.id == "primary"
        assert "blob service" in walk.screen_text()
        await walk.press("l")
        await walk.pilot.resize_terminal(40, 10)
        await walk.until(lambda: not walk.app.focused)
        await walk.pilot.resize_terminal(*size)
        await walk.until(lambda: "l goes there" in walk.screen_text() and "blob service" in walk.screen_text())


@pytest.mark.usefixtures("brisk")
async def test_what_was_staged_here_and_goes_is_not_told_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    free = msgspec.structs.replace(VERSIONS[0], held=[], alone=0)
    monkeypatch.setattr("tests.fakes.store.VERSIONS", (free,))
    scenario = Scenario()
    async with walking(scenario) as walk:
        await walk.press("3", "enter", "enter")
        assert walk.state == "done" and "sha256" in walk.pane_text("#staged")
        await walk.press("l", "x")
        assert "gains nothing, as what stays has the same files." in walk.app.screen.text  # type: ignore[attr-defined]
        await walk.type(DIGEST[:12])
        await walk.press("enter")
        assert scenario.evicted == {DIGEST} and walk.pane_text("#staged") == "" and walk.app.session.staged is None
        assert walk.state == "stale" and "1 thing gone" in walk.status
        await walk.press("r")
        assert walk.app.session.journey.told("data").startswith("Stale: the data that were staged are not on the VM")


@pytest.mark.usefixtures("brisk")
async def test_read_only_an_empty_list_and_a_vm_that_is_away() -> None:
    async with walking(Scenario(), read_only=True) as walk:
        await walk.press("3", "l", "down", "p", "x")
        assert "Read-only: nothing is purged" in walk.notices() and "nothing is evicted" in walk.notices()
        assert not isinstance(walk.app.screen, TypedConfirmation)
    scenario = Scenario(evicted={each.digest for each in VERSIONS} | {PARTIAL.name}, unreachable=True)
    async with walking(scenario) as walk:
        await walk.press("3", "l")
        assert walk.pane.panel.error is not None and walk.state == "todo", "to look is no step"
        scenario.unreachable = False
        await walk.press("r", "l", "x", "space", "enter")
        assert "There is nothing to evict: nothing is staged" in walk.notices()
        assert "Staged on stackvm: nothing, 91.3 GB free" in walk.screen_text()


@pytest.mark.usefixtures("brisk")
async def test_a_removal_can_be_stopped_and_its_error_tried_again() -> None:
    scenario = Scenario()
    async with walking(scenario) as walk:
        await walk.press("3", "l", "down", "x")
        scenario.hold["evict"] = asyncio.Event()
        await walk.type(NEW[:12])
        await walk.pilot.press("enter")
        await walk.until(lambda: walk.pane.going)
        assert "Evicting" in walk.app.wizard.changing()
        await walk.pilot.press("escape")
        await walk.until(lambda: not walk.pane.going)
        assert "stopped" in walk.status and not scenario.evicted
        scenario.hold.clear()
        real = walk.app.session.services.data.evict

        async def failing(*args: object, **more: object) -> Events:
            async for event in real((), dry=True):
                yield event
            raise errors.DataError("the VM's disk cannot be written", hint="look there")

        walk.app.session.services.data.evict = failing  # type: ignore[method-assign]
        await walk.press("x")
        assert walk.pane.panel.error is not None
        walk.app.session.services.data.evict = real  # type: ignore[method-assign]
        walk.pane.work.again()  # type: ignore[misc]
        await walk.settled()
        assert isinstance(walk.app.screen, TypedConfirmation)


@pytest.mark.usefixtures("brisk")
async def test_staging_that_is_stopped_says_how_it_goes_on_and_shows_what_came() -> None:
    scenario = Scenario(evicted={each.digest for each in VERSIONS} | {PARTIAL.name})
    async with walking(scenario) as walk:
        await walk.press("3", "enter")
        assert "nothing, 91.3 GB free" in walk.screen_text()
        scenario.hold["stage"] = asyncio.Event()
        await walk.pilot.press("enter")
        await walk.until(lambda: walk.pane.going)
        scenario.evicted.discard(PARTIAL.name)
        await walk.pilot.press("escape")
        await walk.settled()
        assert "stopped; the next staging goes on where it was" in walk.status
        assert [item.name for item in table(walk).items] == [PARTIAL.name]  # type: ignore[union-attr]
