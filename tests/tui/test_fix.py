"""Findings put right from the check step: chosen, shown line by line, agreed to by name, proved or taken back."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import OptionList

from tests.fakes.script import Scenario
from tui.screens.dialogues import SecretQuestion, TypedConfirmation
from tui.screens.fix import FixScreen

from .walk import Walk, walking


def plan(walk: Walk) -> str:
    return walk.text("#fix-text")


def fixing(walk: Walk) -> FixScreen:
    screen = walk.app.screen
    assert isinstance(screen, FixScreen)
    return screen


async def to_the_plan(walk: Walk) -> None:
    """Checked, and the worst finding chosen."""
    await walk.press("2", "enter", "f")


@pytest.mark.usefixtures("brisk")
async def test_findings_are_marked_shown_and_put_right_by_the_vms_name() -> None:
    async with walking(size=(120, 40)) as walk:
        await walk.press("2", "f", "space")
        assert "Nothing was checked yet" in walk.notices() and "can be marked" in walk.notices()
        await walk.press("enter", "space", "down", "space")
        assert list(walk.pane.marked) == ["ssh.passwords", "ssh.forwarding"]  # type: ignore[attr-defined]
        await walk.press("f")
        screen = fixing(walk)
        assert screen.ids == ["ssh.passwords", "ssh.forwarding"] and "trainshed" in screen.cli()
        for part in ("+MaxAuthTries 4", "0644 → 0600", "$ /usr/sbin/sshd -t", "REFUSED  ssh.passwords", "within 90 s"):
            assert part in plan(walk)
        await walk.press("f")
        assert isinstance(walk.app.screen, TypedConfirmation)
        await walk.type("othervm")
        await walk.press("enter")
        assert isinstance(walk.app.screen, TypedConfirmation), "another name changes nothing"
        await walk.press("escape", "f")
        await walk.type("stackvm")
        await walk.press("enter")
        assert "A new login works: it is kept" in str(screen.status.content)
        assert "✓ PASS     ssh.auth-tries" in plan(walk)
        await walk.press("f")
        assert "There is no plan yet" in walk.notices()
        await walk.press("u", "f")
        await walk.type("stackvm")
        await walk.press("enter")
        told = str(screen.status.content)
        assert "✓ The fix is taken back." in told and "takes it back" not in told and "failing" not in told
        await walk.press("u")
        assert "+MaxAuthTries 4" in plan(walk)
        await walk.press("escape")
        options = walk.pane.query_one(OptionList)
        assert "✓ PASS    Few tries for each connection" in [str(option.prompt) for option in options.options]
        assert "26 pass, 1 warn, 1 fail, 1 unknown" in walk.status


@pytest.mark.usefixtures("brisk")
async def test_what_cannot_be_fixed_or_changed_says_why() -> None:
    async with walking(Scenario(fixed=True), read_only=True) as walk:
        await to_the_plan(walk)
        assert "Nothing has to be changed" in str(fixing(walk).status.content)
        await walk.press("f")
        assert "Read-only" in walk.notices()
        await walk.press("escape", "end", "f", "space")
        assert "put right by a person" in walk.notices() and "can be marked" in walk.notices()
        await walk.press("u")
        assert "Nothing is marked" in walk.notices()


@pytest.mark.usefixtures("brisk")
async def test_a_fix_that_locks_out_is_told_and_can_be_planned_again() -> None:
    async with walking(Scenario(locked_out=True)) as walk:
        await to_the_plan(walk)
        await walk.press("f")
        await walk.type("stackvm")
        await walk.press("enter")
        assert "a new login does not work with it" in walk.screen_text() and not fixing(walk).mended
        await walk.press("r")
        assert fixing(walk).panel.error is None and "+MaxAuthTries 4" in plan(walk)
        await walk.press("u")
        assert "Takes back the fix 20261031T090000-00c0ffee" in plan(walk) and "--undo" in fixing(walk).cli()
        await walk.press("escape")
        assert walk.pane.list.found["ssh.passwords"].status == "fail"  # type: ignore[attr-defined]


@pytest.mark.usefixtures("brisk")
async def test_the_password_of_sudo_is_asked_for_and_a_change_can_be_stopped() -> None:
    held = asyncio.Event()
    async with walking(Scenario(sudo="s3cret", hold={"fix": held})) as walk:
        await to_the_plan(walk)
        assert isinstance(walk.app.screen, SecretQuestion) and "for sudo on the VM" in walk.screen_text()
        await walk.type("s3cret")
        await walk.press("enter")
        assert "+MaxAuthTries 4" in plan(walk) and "s3cret" not in walk.screen_text()
        await walk.press("f")
        await walk.type("stackvm")
        await walk.pilot.press("enter")
        await walk.until(lambda: "Written" in str(fixing(walk).status.content))
        await walk.pilot.press("f", "u", "r")
        assert "Still going. Escape stops it." in walk.notices()
        await walk.press("escape")
        assert "stopped. What was not kept is taken back." in str(fixing(walk).status.content)
        assert any(command.text.startswith("install -m 644") for command in walk.app.session.commands)
