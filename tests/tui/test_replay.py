"""A recorded session plays in the same screens, to its end."""

from __future__ import annotations

from pathlib import Path

from core import journal
from core.services import Services
from tests.fakes.script import EARLIER, Scenario
from tests.fakes.services import fake_services
from tui.app import TrainshedApp

from .walk import Walk


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
    recorded = journal.recording(fake_services(Scenario(earlier=True)), path)
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
