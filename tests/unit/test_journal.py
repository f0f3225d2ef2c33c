"""A recorded session plays again: the same events, the same errors, no VM."""

from __future__ import annotations

import asyncio
import json
import os
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from core import events, journal
from core.errors import ConfigError, HostKeyUnknown
from core.journal import Place, read, recording, replayed
from core.pace import Pace
from core.services import Services
from core.site.secrets import Secret

pytestmark = pytest.mark.usefixtures("home")  # where a journal is, is noted there


class Connection:
    def __init__(self) -> None:
        self.asked = 0

    async def connect(self, target: str | None = None, *, passphrase: Secret | None = None) -> AsyncIterator[Any]:
        self.asked += 1
        yield events.Phase(step="connect", title="knock")
        if self.asked == 1:
            raise HostKeyUnknown("who is it?", hint="compare", fingerprint="SHA256:x")
        yield events.Notice(text="in")


def services() -> Services:
    nothing = cast("Any", object())
    return Services(
        site=Place("ward-7", "vm"),
        connection=cast("Any", Connection()),
        checks=nothing,
        data=nothing,
        environments=nothing,
        runs=nothing,
        models=nothing,
        deploy=nothing,
        jobs=nothing,
    )


async def test_what_was_recorded_plays_again(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    live = recording(services(), path)
    with pytest.raises(HostKeyUnknown):
        async for _ in live.connection.connect(passphrase=Secret("topsecret")):
            pass
    first = [event async for event in live.connection.connect()]

    assert path.stat().st_mode & 0o777 == 0o600
    assert "topsecret" not in path.read_text()

    again = replayed(path, speed=0)
    assert (again.site.name, again.site.vm) == ("ward-7", "vm")
    with pytest.raises(HostKeyUnknown) as raised:
        async for _ in again.connection.connect():
            pass
    assert (raised.value.hint, raised.value.facts["fingerprint"]) == ("compare", "SHA256:x")
    assert [event async for event in again.connection.connect()] == first
    assert [event async for event in again.connection.connect()] == first  # asked once more: the last one again


def test_a_file_that_is_there_is_kept_or_replaced_and_then_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text("something else, and longer than the first line of a journal" * 9)
    path.chmod(0o644)
    with pytest.raises(FileExistsError):
        recording(services(), path)
    assert path.stat().st_mode & 0o777 == 0o644 and path.read_text().startswith("something else")
    recording(services(), path, replace=True)
    assert path.stat().st_mode & 0o777 == 0o600
    mode = Path("/dev/null").stat().st_mode
    recording(services(), Path("/dev/null"), replace=True)
    assert Path("/dev/null").stat().st_mode == mode


async def test_what_was_not_recorded_is_said(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    recording(services(), path)
    with pytest.raises(ConfigError, match=r"no runs\.launch"):
        async for _ in replayed(path, speed=0).runs.launch(Path("job.yml")):
            pass


def test_a_journal_cut_in_its_last_line_still_plays_and_rubbish_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    head = json.dumps({"journal": 1, "site": "s", "vm": "v", "recorded": 0})
    path.write_text(head + '\n{"at":0,"call":1,"op":"runs.list"}\n{"at":0,"ca')
    assert [take.op for take in read(path).takes] == ["runs.list"]
    path.write_text(head + '\n{"at":0}\n{"at":0,"call":1,"op":"runs.list"}\n')
    with pytest.raises(ConfigError, match=r"session\.jsonl:2"):
        read(path)
    for rubbish in ("", "{}", "[1]", "\x00"):
        path.write_text(rubbish)
        with pytest.raises(ConfigError):
            read(path)


async def test_a_pace_stops_before_each_phase_and_says_where_a_recording_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    phase = {"event": "phase", "step": "data", "title": "t"}
    lines: list[dict[str, Any]] = [{"journal": 1, "site": "s", "vm": "v", "recorded": 0}]
    lines += [{"at": 0, "call": 1, "op": "data.list"}, *({"at": 0, "call": 1, "is": phase} for _ in range(3))]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    pace, seen, changes = Pace(0, step=True), [], []
    pace.on_change = lambda: changes.append(pace.stopped)

    async def play() -> None:
        async for event in replayed(path, pace=pace).data.list():
            seen.append(event)

    task = asyncio.create_task(play())
    for count in (1, 2, 3):
        while len(seen) < count or not (pace.stopped or count == 3):
            await asyncio.sleep(0)
        pace.go_on()
    with pytest.raises(ConfigError, match="the recording ends here"):
        await task
    assert len(seen) == 3 and changes == [True, False, True, False, False]


@pytest.mark.parametrize(
    "start", [b"\x89PNG\r\n\x1a\n", b'{"a": 1}\n', b'{"journal": 7, "site": "s"}\n', b"x" * 200_000]
)
def test_a_foreign_file_is_one_clear_message(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(start)
    with pytest.raises(ConfigError) as raised:
        read(path)
    assert str(path) in raised.value.title and "\n" not in raised.value.title and len(raised.value.title) < 250
    assert "trainshed" in raised.value.hint


def test_a_huge_file_and_a_huge_line_are_one_message_and_cost_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.jsonl"
    head = json.dumps({"journal": 1, "site": "s", "vm": "v", "recorded": 0}) + "\n"
    for more in ("", '{"at":0,"call":1,"op":"runs.list"}\n'):
        path.write_text(head + more)
        os.truncate(path, 10 << 30)  # of which nothing is on the disk
        tracemalloc.start()
        try:
            with pytest.raises(ConfigError, match="larger than a recorded session can be") as raised:
                read(path)
            assert tracemalloc.get_traced_memory()[1] < 4 * journal.LONGEST
        finally:
            tracemalloc.stop()
        assert raised.value.hint == journal.MADE
    path.write_text(head + ('{"at":0,"call":1,"op":"runs.list"}\n' * 8 + "\n") * (journal.LARGEST // 270))
    with pytest.raises(ConfigError, match=":10: not a line"):
        read(path)


async def test_no_more_is_recorded_than_plays_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "session.jsonl"
    monkeypatch.setattr(journal, "LARGEST", journal.LONGEST_HEAD + 200)
    known = services()
    cast("Any", known.connection).asked = 1
    live = recording(known, path)
    for _ in range(3):
        assert [event async for event in live.connection.connect()][1:] == [events.Notice(text="in")]
    assert path.stat().st_size < journal.LARGEST
    with pytest.raises(ConfigError, match="the recording ends here"):
        for _ in range(2):
            async for _ in replayed(path, speed=0).connection.connect():
                pass


async def test_characters_that_end_a_line_elsewhere_end_none_here(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    text = "a\u2028b\x85c\x0bd"

    class Talks:
        async def connect(self) -> AsyncIterator[Any]:
            yield events.Notice(text=text)

    live = recording(replace(services(), connection=cast("Any", Talks())), path)
    said = [event async for event in live.connection.connect()]
    assert [event async for event in replayed(path, speed=0).connection.connect()] == said
