"""The list of runs for somebody who looks again and again: read once, sent once, and never an old truth."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from core.agent import listing, runfolder, summary
from core.agent.states import States

RUNS = ["01JDEMA0000005K9X3T6W1RBCD", "01JDEMA0000015K9X3T6W1RBCD", "01JDEMA0000025K9X3T6W1RBCD"]


def made(root: Path, run: str, *states: str) -> Path:
    folder = root / "runs" / run
    (folder / "tracking").mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps({"run": run, "name": run[-3:], "params": {"lr": 1}}))
    (folder / "policy.json").write_text('{"engine": "bwrap"}')
    (folder / "passed.log").write_text("said\n")
    for before, state in zip(["", *states], states, strict=False):
        States(str(folder)).append([before], state)
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were summed up from their files."""
    found: list[str] = []
    real = summary.info

    def info(folder: str) -> dict[str, Any]:
        found.append(os.path.basename(folder))
        return real(folder)

    monkeypatch.setattr(summary, "info", info)
    return found


def names(told: dict[str, Any]) -> list[str]:
    return [info["run"] for info in told["runs"]]


def test_what_has_ended_is_read_once_and_sent_once(tmp_path: Path, read: list[str]) -> None:
    folders = [made(tmp_path, run, "created", "completed") for run in RUNS[:2]]
    first = listing.Listing()
    told = first.look(str(tmp_path), None)
    assert names(told) == RUNS[1::-1] == read and told["gone"] == []
    assert told["runs"][0] == summary.info(str(folders[1]))
    del read[:]
    again = first.look(str(tmp_path), told["seen"])
    assert (names(again), again["gone"], read) == ([], [], [])
    assert names(listing.Listing().look(str(tmp_path), again["seen"])) == RUNS[1::-1], "of another process: all of them"
    assert read == [], "another process finds what was summed up"
    with open(folders[0] / "tracking" / "log.jsonl", "w") as file:  # it can say more, after all
        file.write(json.dumps({"op": "metric", "run": RUNS[0], "key": "k", "value": 0.5, "step": 1, "time": 1}) + "\n")
    made(tmp_path, RUNS[2], "created", "failed")
    later = first.look(str(tmp_path), again["seen"])
    assert names(later) == [RUNS[2], RUNS[0]] and later["runs"][1]["metrics"] == {"k": 0.5}
    os.rename(folders[1], tmp_path / "runs" / ".deleted-x")
    last = first.look(str(tmp_path), later["seen"])
    assert (names(last), last["gone"]) == ([], [RUNS[1]])
    assert sorted(names(first.look(str(tmp_path), again["seen"]))) == [RUNS[0], RUNS[2]]


def test_a_summary_that_is_old_or_broken_is_made_anew_and_none_is_kept_of_what_goes_on(
    tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path, RUNS[0], "created", "failed")
    listing.Listing().look(str(tmp_path), None)
    kept = folder / listing.SUMMARY
    for broken in ("", "{", "[]", '{"key": 1}', kept.read_text().replace(listing.VERSION, "0" * 16)):
        kept.write_text(broken)
        del read[:]
        (told,) = listing.Listing().look(str(tmp_path), None)["runs"]
        assert told["state"] == "failed" and read == [RUNS[0]]
    made(tmp_path, RUNS[1], "created")
    monkeypatch.setattr(runfolder, "settled", lambda folder: States(folder).last())
    look = listing.Listing()
    for _ in range(2):
        assert look.look(str(tmp_path), None)["runs"][0]["state"] == "created"
    assert read.count(RUNS[1]) == 2 and not (tmp_path / "runs" / RUNS[1] / listing.SUMMARY).exists()
    monkeypatch.setattr(tempfile, "mkstemp", _full)
    kept.unlink()
    assert [info["state"] for info in listing.Listing().look(str(tmp_path), None)["runs"]] == ["created", "failed"]


def _full(**_: object) -> Any:
    raise OSError(28, "No space left on device")
