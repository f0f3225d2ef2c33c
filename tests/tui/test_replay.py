"""A recorded session plays in the same screens, to its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.await_complete import AwaitComplete

from core import journal
from core.demo import RECORDED
from core.pace import Pace
from core.services import Services
from tests.fakes.script import EARLIER, Scenario
from tests.fakes.services import fake_services
from tui.app import TrainshedApp
from tui.screens.dialogues import Dialogue, HostKeyQuestion

from .walk import Walk, make_app


async def _walk(services: Services, label: str) -> tuple[set[str], str]:
    """The states of all steps after a walk by Enter and Next, and the model's answer."""
    app = TrainshedApp(services, label=label, job=None if label == "replay" else Path("demo/train.yml"))
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        for keys in ("1", "2", "3e", "4e", "5", "6eee"):
            await walk.press(keys[0], *(["enter"] if keys[0] != "5" else []), *["enter"] * keys.count("e"))
        return set(app.session.journey.states.values()), walk.pane_text("#said-invoke")


async def test_a_recorded_journey_plays_to_its_end(home: Path) -> None:
    path = home / "session.jsonl"
    recorded = await _walk(journal.recording(fake_services(), path), "demo")
    replayed = await _walk(journal.replayed(path, speed=0), "replay")
    assert recorded == replayed
    assert recorded[0] == {"done"}


async def test_the_metrics_of_an_earlier_run_play_again(home: Path) -> None:
    path = home / "session.jsonl"
    recorded = journal.recording(fake_services(Scenario(first_try=True)), path)
    values = [event async for event in recorded.runs.metrics(EARLIER)]
    played = [event async for event in journal.replayed(path, speed=0).runs.metrics(EARLIER)]
    assert played == values and len(values) == 60


async def test_a_journal_without_a_dry_run_still_launches_only_when_asked(home: Path) -> None:
    path = home / "session.jsonl"
    services = journal.recording(fake_services(), path)
    async for _ in services.runs.launch(Path("demo/train.yml")):
        pass
    app = TrainshedApp(journal.replayed(path, speed=0), label="replay")
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.press("4", "enter")
        assert app.session.run == ""
        assert walk.pane.primary()[0] == "Launch"
        await walk.press("enter")
        assert app.session.run


async def test_a_replay_by_phases_stands_still_and_says_so_until_a_key(home: Path) -> None:
    path = home / "session.jsonl"
    async for _ in journal.recording(fake_services(), path).connection.connect():
        pass
    pace = Pace(0, step=True)
    app = TrainshedApp(journal.replayed(path, pace=pace), label="replay", pace=pace)
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        for title in ("Reading the host key", "Logging in", "Asking for facts"):
            await pilot.press("enter" if title.startswith("Reading") else "full_stop")
            while not (pace.stopped or title.startswith("Asking")):
                await pilot.pause()
            await pilot.pause()
            if pace.stopped:
                assert title in walk.status and "PAUSED, . goes on" in walk.text("#header")
        await walk.settled()
        assert walk.state == "done" and "PAUSED" not in walk.text("#header")
        await pilot.press("full_stop")
        assert pace.stopped
        await walk.press("question_mark")
        assert (".", "Pause the replay / go on") in walk.app.screen.keys  # type: ignore[attr-defined]
    async with make_app().run_test() as pilot:
        await pilot.press("full_stop")
        assert "Only a replay can be paused" in Walk(pilot.app, pilot).notices()  # type: ignore[arg-type]


@pytest.mark.usefixtures("brisk")
async def test_a_recording_plays_by_itself_answers_as_it_was_and_can_be_paused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[str | None] = []

    def answered(self: HostKeyQuestion, said: str | None = None) -> AwaitComplete:
        answers.append(said)
        return Dialogue.dismiss(self, said)

    monkeypatch.setattr(HostKeyQuestion, "dismiss", answered)
    found, pace = journal.read(RECORDED), Pace(0)
    pace.stop()
    app = TrainshedApp(journal.services(found, pace), label="replay", pace=pace, takes=found.takes)
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await app.wizard.complete.wait()
        await pilot.pause()
        assert not [take for take in found.takes if take.played] and "PAUSED" in walk.text("#header")
        await pilot.press("full_stop")
        while "The recording has ended" not in walk.notices():
            assert app.is_running and app.return_code is None
            await pilot.pause()
        assert app.session.connected is not None and answers == [app.session.connected.fingerprint]
        assert set(app.session.journey.states.values()) == {"done"}
        assert {take.op for take in found.takes if not take.played} <= {"deploy.stop"}
        assert "matches" in walk.pane_text("#said-invoke")
