"""What is kept on this machine: all of it is listed, is its owner's alone, and goes when it is told to."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core import kept
from core.journal import recording
from core.site import paths
from tests.cli.conftest import Run, Said
from tests.fakes.runs import FakeRuns
from tests.fakes.script import NOON, Scenario
from tests.fakes.services import fake_services
from tui import report
from tui.app import TrainshedApp
from tui.commands.kept import KINDS

CANARY = "canary-71c9e0d2"
Places = tuple[Path, Path, Path]  # TRAINSHED_HOME, HOME, TMPDIR


class Printing(FakeRuns):
    """A run whose job prints the canary."""

    def _lines(self, epoch: int) -> list[str]:
        return [f"{epoch} {CANARY}\n"]


def holding(places: Places) -> list[Path]:
    """Files that have the canary in them."""
    done = subprocess.run(["grep", "-rlaF", CANARY, *map(str, places)], capture_output=True, text=True)
    return [Path(line) for line in done.stdout.splitlines()]


@pytest.fixture
def places(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    folders = (home, tmp_path / "home", tmp_path / "tmp")
    for folder in folders[1:]:
        folder.mkdir()
    monkeypatch.setenv("HOME", str(folders[1]))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folders[1] / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(folders[2]))
    return folders


async def fill(places: Places) -> None:
    """The run is watched, recorded and photographed; a report, a leftover and the workspace have the canary, too."""
    scenario = Scenario(epochs=4)
    services = replace(fake_services(scenario), runs=Printing(scenario))
    app = TrainshedApp(recording(services, places[1] / "talk.jsonl"))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5", "enter")
        for _ in range(3):
            await app.workers.wait_for_complete()
            await pilot.pause()
        app.action_shoot()
        [picture] = paths.states().glob("*/screenshots/*.svg")
        assert "@font-face" not in picture.read_text() and "url(http" not in picture.read_text()
        assert [path.parent.name for path in holding(places)].count("tmp") == 0, "a spool has no name"
    report.save(f"what: the job said {CANARY}", "ward-7", "last-error.txt")
    left = paths.make_private(places[2] / f"{kept.TEMPORARY}x1")
    (left / "figure.txt").write_text(CANARY)
    os.utime(left, (NOON - 1e7, NOON - 1e7))
    (paths.state("ward-7") / "notes.json").write_text(CANARY)
    for name in ("mlflow.db", "artifacts/figure.txt"):  # MLflow's own takes seconds to make
        path = paths.state("ward-7") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CANARY)
        path.chmod(0o600)
    download = places[1] / "here" / "outputs"
    download.mkdir(parents=True)
    (download / "table.csv").write_text(CANARY)
    kept.remember("download", download.parent)


def listed(said: Said) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in json.loads(said.out)["kept"]:
        found.setdefault(item["kind"], []).append(Path(item["path"]).name)
    return found


def call(capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    from tui.cli import call as program

    code = program(words)
    return Said(code, *capsys.readouterr())


async def test_after_a_purge_nothing_holds_what_a_job_has_printed(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(places)
    state = paths.state("ward-7")
    for path in holding(places):
        if "here" not in path.parts and path.name not in ("notes.json", "figure.txt"):
            assert path.stat().st_mode & 0o777 == 0o600, f"{path} is not its owner's alone from the beginning"

    seen = call(capsys, "kept", "--json", "--read-only")
    kinds = listed(seen)
    assert (state / "notes.json").stat().st_mode & 0o077, "read-only mends nothing"
    shown = [Path(item["path"]) for item in json.loads(seen.out)["kept"]]
    for path in holding(places):
        assert any(path == one or one in path.parents for one in shown), f"{path} is not listed"
    assert {"reports", "screenshots", "journals", "temporary", "other", "downloads", "workspace"} <= set(kinds)

    mending = call(capsys, "kept")
    assert f"{state / 'notes.json'} was open to others, and is its owner's alone now" in mending.err
    assert not [path for item in kept.found() for path in item.open_to]

    asked = call(capsys, "kept", "purge")
    assert asked.code == 2 and "--yes removes without a question" in asked.err and "talk.jsonl" in asked.err
    assert call(capsys, "kept", "purge", "--older-than", "1", "--yes", "journals").out == "nothing to remove\n"
    old = time.time() - 3 * 86400
    os.utime(places[1] / "talk.jsonl", (old, old))
    assert call(capsys, "kept", "purge", "--older-than", "1", "--yes", "journals").out.count("removed") == 1
    assert "journals" not in listed(call(capsys, "kept", "--json")), "what is gone is not listed"

    assert call(capsys, "kept", "purge", "--yes").code == 0
    assert {path.parent.name for path in holding(places)} <= {"outputs", "ward-7", "artifacts"}, "the record stays"
    assert call(capsys, "kept", "purge", "downloads", "--yes").code == 2
    assert call(capsys, "kept", "purge", "--all", "--yes").code == 0
    assert holding(places) == [places[1] / "here" / "outputs" / "table.csv"], "that is where its owner put it"


def test_what_is_no_journal_any_more_stays(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "talk.jsonl"
    recording(fake_services(), path)
    path.write_text("my notes of the talk")
    said = call(capsys, "kept", "purge", "journals", "--yes")
    assert said.code == 2 and "is no journal any more" in said.err and path.exists()
    link = tmp_path / "link"
    link.symlink_to(path)
    kept.remember("log", link)
    assert call(capsys, "kept", "purge", "logs", "--yes").code == 0
    assert path.exists() and not link.is_symlink()
    assert KINDS == kept.NAMES


def test_a_command_that_changes_nothing_removes_nothing(fake: Run, places: Places) -> None:
    report.save("x", "", "last-error.txt")
    assert fake("--read-only", "kept", "purge", "--yes").code == 2
    assert fake("kept").out.count("last-error.txt") == 1
