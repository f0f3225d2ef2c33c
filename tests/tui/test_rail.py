"""The rail tells the true state of each step, also in the next session, and why one is stale."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.site import paths
from tests.fakes.script import Scenario
from tests.fakes.services import FakeSite, fake_services
from tui.journeys import Keeper
from tui.steps import Journey

from .walk import Walk, make_app, walking

SITE = """name = "ward-7"
[vms.stackvm]
host = "203.0.113.10"
host_keys = []
[data]
endpoint = "https://account.blob.local.azurestack.external"
container = "records"
credential = "env:KEY"
"""

pytestmark = pytest.mark.usefixtures("brisk")


@pytest.fixture
def site(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site file, which the fake services name as theirs."""
    file = home / "ward-7.toml"
    file.write_text(SITE)
    named = FakeSite("ward-7", "stackvm", file)
    monkeypatch.setattr(
        "tests.tui.walk.fake_services", lambda scenario=None: replace(fake_services(scenario), site=named)
    )
    return file


def kept() -> Path:
    return paths.journey("ward-7", "stackvm")


@pytest.mark.parametrize(("run", "state"), [("another", "stale"), ("watched", "done")])
def test_a_first_launch_outdates_what_is_told_of_another_run(run: str, state: str) -> None:
    journey = Journey()
    journey.finish("watch", "watched", "completed")
    journey.finish("launch", run)
    assert journey.states["watch"] == state


async def _worked(scenario: Scenario | None = None) -> dict[str, str]:
    async with walking(scenario, keep=True) as walk:
        await walk.press("enter", "2", "enter", "3", "enter", "enter")
        return dict(walk.app.session.journey.states)


async def test_what_was_done_is_there_again_and_says_when(site: Path) -> None:
    states = await _worked()
    assert [states[step] for step in ("connect", "check", "data", "launch")] == ["done", "done", "done", "todo"]
    assert stat.S_IMODE(kept().stat().st_mode) == 0o600
    assert not list(kept().parent.glob(".*")), "nothing is left of writing it"
    async with walking(keep=True, size=(120, 40)) as walk:
        assert walk.app.session.journey.states == states
        assert "Done on " in walk.status and "r does it again" in walk.status
        assert "124 kB" in walk.screen_text()
        await walk.press("enter")  # the same VM again: what builds on it holds
        assert walk.app.session.journey.states == states
        assert "Connected to" in walk.status


CHANGES: tuple[tuple[str, str, list[str], str], ...] = (
    ("203.0.113.10", "203.0.113.11", ["connect", "check", "data"], "the VM's address or host key changed"),
    ("host_keys = []", 'host_keys = ["ssh-ed25519 SHA256:x"]', ["connect", "check", "data"], "host key changed"),
    ('"records"', '"others"', ["data"], "[data] changed in the site file"),
    ("env:KEY", "env:OTHER", [], ""),
)


async def test_a_site_file_that_changed_makes_what_stands_on_it_stale(site: Path) -> None:
    await _worked()
    before = kept().read_text()
    for was, now, stale, why in CHANGES:
        site.write_text(SITE.replace(was, now))
        kept().write_text(before)
        async with walking(keep=True, size=(120, 40)) as walk:
            states = walk.app.session.journey.states
            assert [step for step, state in states.items() if state == "stale"] == stale
            if stale:
                await walk.pilot.press("3")
                await walk.pilot.pause()
                assert why in walk.status
                assert "site file changed" in walk.screen_text()


async def test_a_new_result_says_what_changed(site: Path) -> None:
    async with walking(keep=True, size=(120, 40)) as walk:
        await walk.press("enter", "2", "enter", "3", "enter", "enter")
        walk.app.session.journey.finish("connect", "203.0.113.10 SHA256:other", "another-vm")
        await walk.settled()
        assert "Connect changed" in walk.screen_text()
        await walk.press("2")
        assert "Stale: Connect has a new result since: it was " in walk.status and "it is another-vm" in walk.status
    async with walking(keep=True) as walk:
        await walk.press("2")
        assert "it is another-vm" in walk.status


STEP = {"state": "done", "result": "x", "note": "124 kB", "cause": "", "because": "", "at": 1.7e9, "ground": ""}
DONE = json.dumps({"schema": 1, "steps": {"connect": STEP, "data": STEP, "of another version": STEP}})

BROKEN: dict[str, Callable[[str], str]] = {
    "cut": lambda text: text[: len(text) // 2],
    "nothing": lambda _text: "",
    "another version": lambda text: text.replace('"schema": 1', '"schema": 2'),
    "another state": lambda text: text.replace('"done"', '"going"'),
    "a list": lambda _text: "[1]",
    "deep": lambda _text: "[" * 60_000,
    "large": lambda text: text + " " * 70_000,
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_damaged_file_is_ignored_with_a_word(site: Path, how: str) -> None:
    kept().parent.mkdir(parents=True)
    kept().write_text(BROKEN[how](DONE))
    session = make_app(keep=True).session
    keeper = Keeper(session)
    said = keeper.load()
    assert "What was done before is not known" in said and str(kept()) in said
    assert set(session.journey.states.values()) == {"todo"}
    session.journey.finish("connect", "x")
    assert keeper.save() == ""
    assert json.loads(kept().read_text())["steps"]["connect"]["state"] == "done"


async def test_what_is_ignored_is_said_on_the_screen(site: Path) -> None:
    kept().parent.mkdir(parents=True)
    kept().write_text("[1]")
    async with walking(keep=True) as walk:
        await walk.settled()
        assert "What was done before is not known" in walk.notices()


async def test_texts_of_the_file_cannot_change_the_screen(site: Path) -> None:
    kept().parent.mkdir(parents=True)
    kept().write_text(DONE.replace("124 kB", "\\u001b]0;title\\u0007[bold]x"))
    async with walking(keep=True, size=(120, 40)) as walk:
        assert "[bold]x" in walk.screen_text() and "\x1b" not in walk.screen_text()


@pytest.mark.parametrize("more", [{"read_only": True}, {"keep": False}])
async def test_nothing_is_kept_where_nothing_may_be_written(site: Path, more: dict[str, Any]) -> None:
    given: dict[str, Any] = {"keep": True} | more
    async with walking(**given) as walk:
        await walk.press("enter")
        assert walk.state == "done"
    assert not kept().exists()


async def test_a_folder_that_cannot_be_written_is_said_once(site: Path) -> None:
    paths.state("ward-7").parent.mkdir(parents=True)
    paths.state("ward-7").write_text("a file in its place")
    async with walking(keep=True) as walk:
        await walk.press("enter", "2", "enter")
        assert walk.state == "done"
        said = [line for line in _said(walk) if "What was done is not kept" in line]
        assert len(said) == 1


def _said(walk: Walk) -> list[str]:
    return walk.notices().splitlines()


async def test_what_goes_on_when_the_program_ends_was_not_done(site: Path) -> None:
    async with walking(keep=True) as walk:
        walk.app.session.journey.begin("check")
        await walk.settled()
    assert json.loads(kept().read_text())["steps"]["check"]["state"] == "todo"
