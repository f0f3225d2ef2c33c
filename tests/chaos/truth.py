"""What became of a run, from the VM's own files and the workspace's own database."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from core.agent.states import TERMINAL
from core.events import Event, LinkChanged, LogText, RunStateChanged
from core.workspace import RUN_TAG

from .job import talk
from .lab import Lab, Way


@dataclass
class Seen:
    """Of any number of trials: counts of what must never be, and what else was wrong in words."""

    times: int = 0
    double_starts: int = 0
    lost_ends: int = 0
    log_bytes: int = 0
    metrics: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        self.times += other.times
        self.double_starts += other.double_starts
        self.lost_ends += other.lost_ends
        self.log_bytes += other.log_bytes
        self.metrics += other.metrics
        self.wrong += other.wrong

    @property
    def good(self) -> bool:
        return not (self.double_starts or self.lost_ends or self.log_bytes or self.metrics or self.wrong)

    def expect(self, true: object, text: str) -> None:
        if not true:
            self.wrong.append(text)


def owned(lab: Lab, run: str, *ends: str) -> Seen:
    """Started once at most, and ended once, as one of `ends`; completed means started."""
    states = [line["state"] for line in lab.states(run)]
    starts = lab.folder(run) / "outputs" / "starts"
    started = len(starts.read_text().split()) if starts.exists() else 0
    final = [state for state in states if state in TERMINAL]
    seen = Seen(double_starts=max(0, started - 1), lost_ends=abs(1 - len(final)))
    seen.expect(states[-1] in ends, f"run {run} is {states}: {lab.states(run)[-1]['reason']}")
    seen.expect(states[-1] != "completed" or started == 1, f"run {run} is completed and was started {started} times")
    return seen


def heard(lab: Lab, run: str, events: list[Event]) -> Seen:
    """Every byte of the log once, every state once, and the link's losses and returns in pairs."""
    seen = Seen()
    copy = "".join(event.text for event in events if isinstance(event, LogText)).encode()
    log = (lab.folder(run) / "passed.log").read_bytes()
    seen.log_bytes = wrong_bytes(copy, log.decode(errors="replace").encode())  # a full disk may cut a character in two
    told = [event.state for event in events if isinstance(event, RunStateChanged)]
    states = [line["state"] for line in lab.states(run)]
    seen.expect(told == states, f"states {told} were told of {states}")
    changes = [event.state for event in events if isinstance(event, LinkChanged)]
    pairs = ["lost", "restored"] * (len(changes) // 2)
    seen.expect(changes == pairs, f"the link changed {changes}")
    return seen


def said(lab: Lab, run: str, steps: int) -> Seen:
    """Where `TALK` completed: all that it printed is in the log, and all that it measured was recorded."""
    seen = Seen()
    if lab.states(run)[-1]["state"] == "completed":
        printed = "".join(map(talk.text, range(steps))).encode()
        seen.log_bytes = wrong_bytes((lab.folder(run) / "raw.log").read_bytes(), printed)
        lines = (lab.folder(run) / "tracking" / "log.jsonl").read_text().splitlines()
        found = {(op.get("key"), op.get("step")) for op in map(json.loads, lines) if op["op"] == "metric"}
        seen.metrics = len({(key, step) for key in talk.KEYS for step in range(steps)} ^ found)
    return seen


def quiet(lab: Lab, run: str, patience_s: float = 5.0) -> Seen:
    """Nothing of a run that has ended goes on in Docker."""
    seen, end = Seen(), time.monotonic() + patience_s
    while (left := _going_on(lab, run)) and time.monotonic() < end:
        time.sleep(0.1)
    seen.expect(not left, f"run {run} is {lab.states(run)[-1]['state']} and its container is {left}")
    return seen


def _going_on(lab: Lab, run: str) -> list[str]:
    names = f"/trainshed-{run}"
    return [each["State"] for each in lab.daemon.containers() if names in each["Names"] and each["State"] == "running"]


def wrong_bytes(copy: bytes, original: bytes) -> int:
    """0 where they are equal by sha256; else how many are too many, too few, or other ones."""
    if hashlib.sha256(copy).digest() == hashlib.sha256(original).digest():
        return 0
    differing = sum(one != other for one, other in zip(copy, original, strict=False))
    return max(1, differing + abs(len(copy) - len(original)))


def recorded(lab: Lab, way: Way, run: str) -> Seen:
    """Every metric that the VM has is in the workspace once."""
    log = lab.folder(run) / "tracking" / "log.jsonl"
    operations = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    points = {(op["key"], op["step"], op["time"], op["value"]) for op in operations if op["op"] == "metric"}
    wanted = Counter((key, step) for key, step, _, _ in points)  # one that is sent again is the same
    found = in_workspace(way.site.state / "mlflow.db", run)
    lost, doubled = wanted - found, found - wanted
    seen = Seen(metrics=lost.total() + doubled.total())
    seen.expect(
        not seen.metrics, f"run {run}: of {wanted.total()} metrics {lost.total()} are lost, {doubled.total()} too many"
    )
    return seen


def in_workspace(database: Path, run: str) -> Counter[tuple[str, int]]:
    """(key, step) of every row; a run that is there twice counts twice."""
    query = "select m.key, m.step from metrics m join tags t on t.run_uuid = m.run_uuid where t.key = ? and t.value = ?"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return Counter(connection.execute(query, (RUN_TAG, run)).fetchall())
