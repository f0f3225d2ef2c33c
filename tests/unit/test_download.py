"""A download from a VM that lies about what it sends."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from core.errors import AgentError, UsageError
from core.events import Downloaded, RunInfo
from core.runs.download import Download
from core.runs.reading import Reading
from core.runs.recorder import Recorder
from core.ssh.agent import Link
from core.workspace import Workspace


class Liar:
    last_seen = 0.0

    def __init__(self, listed: list[str], sent: list[dict[str, Any] | bytes], same: list[str]) -> None:
        self.listed, self.sent, self.same = listed, sent, same

    async def agent(self) -> Liar:
        return self

    async def call(self, op: str, **_: Any) -> dict[str, Any]:
        if op == "runs.files":
            return {"files": [[path, 1] for path in self.listed], "models": 0, "odd": 0, "ended": True}
        return {"same": self.same, "differ": []}

    async def stream(self, _op: str, **_: Any) -> AsyncIterator[Any]:
        for each in self.sent:
            yield each
        yield {"result": {}}


def sent(path: str, ends_as: str = "") -> list[dict[str, Any] | bytes]:
    end = {"event": "file.end", "path": ends_as or path, "bytes": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    return [{"event": "file", "path": path, "offset": 0}, b"x", end]


async def downloaded(to: Path, listed: list[str], messages: list[Any], same: list[str] | None = None) -> Downloaded:
    link = cast("Link", Liar(listed, messages, same or []))
    events = [event async for event in Download(link, "01ARZ3NDEKTSV4RRFFQ69G5FAV", to).events()]
    assert isinstance(events[-1], Downloaded)
    return events[-1]


@pytest.fixture
def to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRAINSHED_HOME", str(tmp_path / "home"))
    folder = tmp_path / "to"
    (folder / "outputs").mkdir(parents=True)
    (folder / "outputs" / "mine").write_text("mine")
    return folder


async def test_it_does_not_decide_that_a_file_which_is_here_may_be_written_over(to: Path) -> None:
    with pytest.raises(UsageError, match="other files of these names: outputs/mine"):
        await downloaded(to, ["outputs/mine"], sent("outputs/mine"))
    same = ["outputs/mine", "outputs/b", "outputs/none"]
    found = await downloaded(to, ["outputs/mine", "outputs/b"], sent("outputs/b"), same)
    assert (found.same, found.files) == (1, 1), "only what is here can be the same"
    assert (to / "outputs/mine").read_text() == "mine" and (to / "outputs/b").read_text() == "x"


@pytest.mark.parametrize("messages", [sent("outputs/mine"), sent("outputs/a", "outputs/mine"), sent("outputs/link/x")])
async def test_it_writes_only_what_it_listed(to: Path, messages: list[Any]) -> None:
    elsewhere = to.parent / "elsewhere"
    elsewhere.mkdir()
    (to / "outputs" / "link").symlink_to(elsewhere)
    with pytest.raises(AgentError, match="was not asked for"):
        await downloaded(to, ["outputs/a"], messages)
    assert (to / "outputs/mine").read_text() == "mine" and not list(elsewhere.iterdir())


async def test_an_endless_file_and_one_from_another_byte_are_given_up(to: Path) -> None:
    file, data, _ = sent("outputs/a")
    with pytest.raises(AgentError, match="more of outputs/a than there was"):
        await downloaded(to, ["outputs/a"], [file, data, data])
    (to / "outputs/a.part").unlink()
    with pytest.raises(AgentError, match="another byte"):
        await downloaded(to, ["outputs/a"], [{**file, "offset": 1 << 60}])  # type: ignore[dict-item]


async def test_a_file_ends_once(to: Path) -> None:
    with pytest.raises(AgentError, match="was not asked for"):
        await downloaded(to, ["outputs/a", "outputs/b"], [*sent("outputs/a"), *sent("outputs/a")])


async def test_an_endless_artifact_is_not_kept(to: Path) -> None:
    link = cast("Link", Liar([], [b"x" * 100_000] * 12, []))
    info = RunInfo(run="01ARZ3NDEKTSV4RRFFQ69G5FAV", name="n", experiment="e", state="running", created=1.0)
    recorder = Recorder(link, cast("Workspace", None), info, "site")
    said = await recorder._artifact({"run": info.run, "path": "a", "bytes": 1})
    assert said == ["artifact a: the VM sent more than it said"]


def test_as_many_artifacts_as_a_job_may_log_take_no_time() -> None:
    reading, began = Reading("run"), time.monotonic()
    for number in range(100_000):
        message = {"event": "tracking", "seq": number + 1, "run": "run", "op": "artifact", "path": f"a/{number}"}
        assert len(list(reading.tracked(message))) == 1
    assert time.monotonic() - began < 10 and len(reading.artifacts) == 100_000
