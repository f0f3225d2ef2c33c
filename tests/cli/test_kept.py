"""What is kept on this machine: all of it is listed, is its owner's alone, and goes when it is told to."""

from __future__ import annotations

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from core import kept
from core.journal import recording
from core.kept import elsewhere, ours, purging
from core.site import paths
from core.workspace import database
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
    used = paths.make_private(places[2] / f"{kept.TEMPORARY}in-use") / "new"
    used.write_text("")
    for path in (left / "figure.txt", left, used.parent):
        os.utime(path, (NOON - 1e7, NOON - 1e7))
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
    [row] = [line for line in mending.out.splitlines() if line.endswith("notes.json")]
    assert " 0600 " in row, "the table shows the mode that it has now"
    assert not [path for item in kept.found() for path in item.open_to]

    assert kinds["temporary"] == [f"{kept.TEMPORARY}x1"], "what is written to is in use"

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


def noted(folder: Path, kind: str, *names: str) -> list[Path]:
    made = [folder / name for name in names]
    for path in made:
        path.write_text('{"journal": 1}' if kind == "journal" else "epoch 1")
        path.chmod(0o600)
        kept.remember(kind, path)
    return made


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o777


def test_only_the_very_file_that_was_noted_is_touched(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (talk, other) = noted(tmp_path, "journal", "talk.jsonl", "other.jsonl")
    logs = noted(tmp_path, "log", "folder", "fifo", "link", "hard", "edited", "theirs", "good")
    folder, fifo, link, hard, edited, theirs, good = logs
    for path in (folder, fifo, link):
        path.unlink()
    folder.mkdir(mode=0o755)
    (folder / "precious").write_text("mine")
    os.mkfifo(fifo)
    link.symlink_to(folder / "precious")
    os.link(hard, tmp_path / "second")
    edited.write_text("notes of my own")
    os.chown(theirs, 12345, -1) if os.getuid() == 0 else theirs.write_text("another text")
    talk.write_text("my notes of the talk")
    other.rename(tmp_path / "moved")
    (tmp_path / "copy").write_text('{"journal": "of somebody else"}')
    (tmp_path / "copy").rename(other)
    old = tmp_path / "old.log"
    old.write_text("noted by an earlier version")
    listing = paths.states().parent / "elsewhere.jsonl"
    with listing.open("a") as file:
        file.write("[" * 60_000 + "\n" + json.dumps({"kind": "log", "path": str(old)}) + "\n")
        file.write(json.dumps({"kind": "log", "path": "/nul\0/\ud800"}) + "\n")
    stay = (folder, hard, edited, theirs, talk, other, old, folder / "precious")
    for path in (*stay, good):
        path.chmod(0o755)

    said = call(capsys, "kept")
    assert said.code == 0 and [path for path in (*stay, good) if mode(path) != 0o755] == [good], said.err
    assert f"{good} was open to others" in said.err and f"{fifo} is neither a file nor a folder" in said.err
    assert f"{old} was noted by an earlier version" in said.err and f"{link} is a link: it is left alone" in said.err

    said = call(capsys, "kept", "purge", "--yes", "--json")
    answer = json.loads(said.out)
    assert said.code == 1 and [item["path"] for item in answer["removed"]] == [str(good)]
    assert all(path.exists() for path in stay) and link.is_symlink() and not good.exists()
    left = {Path(item["path"]).name: item["left"] for item in answer["left"]}
    assert left["folder"] == "is a folder now" and left["talk.jsonl"] == "is no journal any more"
    assert left["hard"] == "has another name too (a hard link)" and left["edited"] == "was changed after it was written"
    assert left["other.jsonl"] == "is another file than the one that was written"
    assert {"fifo", "link", "theirs", "old.log"} <= set(left)
    assert KINDS == kept.NAMES


def test_a_link_in_a_state_folder_is_not_followed_and_a_bad_item_ends_nothing(
    places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    for name in ("reports/one.txt", "site/reports/two.txt", "site/jobs.json", "demo/three.txt"):
        (mine / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / name).write_text("mine")
    before = {path: mode(path) for path in mine.rglob("*")}
    for name, target in (("a/reports", "reports"), ("b", "site"), ("c/reports/link", "reports"), ("../demo", "demo")):
        (paths.states() / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.states() / name).symlink_to(mine / target)
    os.link(mine / "reports/one.txt", paths.states() / "c/reports/hard")
    for name in ("bad", "good"):
        report.save("x", "c", f"{name}.txt")
    ours_remove = ours.remove

    def remove(folder: int, name: str) -> None:
        if name == "bad.txt":
            raise RecursionError
        ours_remove(folder, name)

    gone = [item for item in kept.found(["reports"]) if item.path.suffix == ".txt"]
    assert call(capsys, "kept").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(ours, "remove", remove)
        said = call(capsys, "kept", "purge", "--all", "--yes")
    assert said.code == 1 and said.out == f"removed {paths.states() / 'c/reports/good.txt'}\n"
    assert {path: mode(path) for path in mine.rglob("*")} == before
    for name in ("a/reports", "b", "c/reports/link", "../demo"):
        assert f"{paths.states().parent / 'demo' if name == '../demo' else paths.states() / name} is a link" in said.err
    assert "hard has another name too" in said.err and "bad.txt has too many folders" in said.err
    assert len(gone) == 2 and purging.purged(gone) == [], "what went meanwhile is no failure"


def test_the_list_of_paths_loses_nothing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "by-link").symlink_to(tmp_path / "real.jsonl")
    (tmp_path / "real.jsonl").write_text("")
    recording(fake_services(), tmp_path / "by-link", replace=True)
    assert [item.path for item in kept.found(["journals"])] == [tmp_path / "real.jsonl"]

    deep = tmp_path.joinpath(*["病棟七号室の記録\u2028" * 7] * 12)
    deep.mkdir(parents=True)
    medium = tmp_path / "medium"
    medium.mkdir()
    [far], [away], [here] = (noted(at, "log", "run.log") for at in (deep, medium, tmp_path))
    medium.rename(tmp_path / "unmounted")
    here.unlink()
    purging.forget_what_is_gone()
    assert [item.path for item in kept.found(["logs"])] == [far], "a long path is found again"
    (tmp_path / "unmounted").rename(medium)
    assert [item.path for item in kept.found(["logs"])] == [far, away], "a medium that was away is not forgotten"
    assert here.name not in [entry.path.name for entry in elsewhere.entries("log") if entry.path == here]

    waiting, lock = Event(), elsewhere._lock

    def told(handle: int) -> None:
        waiting.set()
        lock(handle)

    with ThreadPoolExecutor(1) as pool:
        with elsewhere._locked(os.O_RDONLY) as handle:
            monkeypatch.setattr(elsewhere, "_lock", told)
            other = pool.submit(noted, tmp_path, "log", "other.log")
            assert waiting.wait(20)
            elsewhere._write_anew(b"".join(elsewhere._read(handle)))
        other.result()
    assert {item.path for item in kept.found(["logs"])} == {far, away, tmp_path / "other.log"}


def test_a_list_that_is_no_file_hangs_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = paths.make_private(paths.states()).parent / elsewhere.NAME
    os.mkfifo(listing)
    kept.remember("log", listing)
    report.save("x", "", "last-error.txt")
    said = call(capsys, "kept", "purge", "--yes")
    assert said.code == 1 and "last-error.txt" in said.out and said.err.count(f"{listing} cannot be used") == 1
    assert f"? ? ? {listing}" in " ".join(call(capsys, "kept").out.split())


def test_a_workspace_in_use_stays(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    state = paths.make_private(paths.state("ward-7"))
    for name in ("mlflow.db", "mlflow.db-wal"):
        (state / name).write_text("x")
    with database.locked(state):
        said = call(capsys, "kept", "purge", "workspace", "--yes")
    assert said.code == 1 and said.err.count("is in use by another process: it stays") == 2
    assert (state / "mlflow.db").exists()
    assert call(capsys, "kept", "purge", "workspace", "--yes").code == 0
    assert sorted(os.listdir(state)) == ["workspace.lock"] and kept.found() == []


def test_a_command_that_changes_nothing_removes_nothing(fake: Run, places: Places) -> None:
    report.save("x", "", "last-error.txt")
    assert fake("--read-only", "kept", "purge", "--yes").code == 2
    assert fake("kept").out.count("last-error.txt") == 1
