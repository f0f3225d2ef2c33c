"""`Runs.compare`, whoever makes it: a real agent, the fakes, and a journal of each."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio

from core import errors, journal
from core.events import Phase, RunsCompared, RunsListed
from core.services import Services
from tests.fakes.script import Scenario
from tests.fakes.services import fake_services
from tests.lab.test_runs_service import Lab, collected, ended, one

pytestmark = pytest.mark.timeout(120)

TRAIN = "import os\nrate = {rate}\nprint('loss=%s' % rate)\n"
MANY = 300 * 1024


async def _real(home: Path) -> tuple[Lab, Services]:
    """Two runs that have ended, of code that differs in every way."""
    lab = Lab(home)
    for rate, extra in (("0.1", "old.py"), ("0.2", "new.py")):
        src = lab.folder / "src"
        src.mkdir(exist_ok=True)
        for path in src.iterdir():
            path.unlink()
        (src / "train.py").write_text(TRAIN.format(rate=rate))
        (src / "same.py").write_text("x = 1\n")
        (src / extra).write_text("y = 1\n")
        (src / "model.bin").write_bytes(b"\0\1" + rate.encode())
        (src / "large.csv").write_text(rate * (MANY // 3))
        (src / "here").symlink_to("same.py" if rate == "0.1" else "train.py")
        text = f"code: src\ncommand: python3 train.py\ntags: {{rate: '{rate}'}}"
        records = f"\ninputs: {{rows: {{type: uri_folder, path: rows}}, lr: {rate}}}"
        (lab.folder / "rows").mkdir(exist_ok=True)
        (lab.folder / "rows" / "secret.csv").write_text("a record\n")
        run = await lab.launched(text + records)
        await collected(lab.runs.follow(run))
    services = fake_services()
    return lab, dataclasses.replace(services, runs=cast("Any", lab.runs))


@pytest_asyncio.fixture(params=["live", "fakes", "journal"])
async def made(request: pytest.FixtureRequest, home: Path) -> AsyncIterator[SimpleNamespace]:
    lab = None
    if request.param == "live":
        lab, services = await _real(home)
    else:
        services = fake_services(Scenario(earlier=2, no_runs=True))
    if request.param == "journal":
        recorded = journal.recording(services, home / "j.jsonl")
        runs = one(await collected(recorded.runs.list()), RunsListed).runs
        await collected(recorded.runs.compare(runs[1].run, runs[0].run))
        services = journal.replayed(home / "j.jsonl", speed=0)
    yield SimpleNamespace(services=services, lab=lab)
    if lab is not None:
        await ended(lab)


async def test_two_runs_are_compared(made: SimpleNamespace) -> None:
    runs = one(await collected(made.services.runs.list()), RunsListed).runs
    second, first = runs
    events = await collected(made.services.runs.compare(first.run, second.run))
    assert isinstance(events[0], Phase)
    found = events[-1]
    assert isinstance(found, RunsCompared)
    assert (found.a, found.b) == (first, second)
    texts = {(value.group, value.name): (value.a, value.b) for value in found.texts}
    assert texts["run", "state"] == (first.state, second.state)
    assert texts["run", "command"] == (first.command, second.command)
    assert texts["run", "code"] == (first.code_digest, second.code_digest)
    assert set(first.params) == {name for group, name in texts if group == "parameter"}
    names = [value.name for value in found.numbers]
    assert "duration" in names and len(names) == len(set(names))
    assert found.code.same is False
    files = {file.path: file for file in found.code.files}
    assert files == dict(sorted(files.items()))
    assert files["train.py"].change == "changed" and "\n-" in files["train.py"].diff and not files["train.py"].note
    assert files["model.bin"].note == "not a text" and not files["model.bin"].diff
    assert {"added"} <= {file.change for file in files.values()}
    if made.lab is not None:
        await _is_as_it_was_sent(made.lab, found, second.run)


async def _is_listed_once(lab: Lab) -> None:
    """What a client has seen is not sent again; over another connection it is."""
    whole = one(await collected(lab.runs.list()), RunsListed)
    agent = await lab.link.agent()
    assert (await agent.call("runs.list", seen=lab.runs._seen, changes=True))["runs"] == []
    await lab.link.close()
    assert one(await collected(lab.runs.list()), RunsListed) == whole and len(whole.runs) == 2


async def _is_as_it_was_sent(lab: Lab, found: RunsCompared, run: str) -> None:
    notes = {file.path: (file.change, file.note) for file in found.code.files}
    assert notes == {
        "here": ("changed", "a link"),
        "large.csv": ("changed", "too large to show"),
        "model.bin": ("changed", "not a text"),
        "new.py": ("added", ""),
        "old.py": ("removed", ""),
        "train.py": ("changed", ""),
    }
    (train,) = (file.diff for file in found.code.files if file.path == "train.py")
    assert train.splitlines()[2:] == [
        "@@ -1,3 +1,3 @@", " import os", "-rate = 0.1", "+rate = 0.2", " print('loss=%s' % rate)"
    ]  # fmt: skip
    same = one(await collected(lab.runs.compare(run, "@latest")), RunsCompared)
    assert same.code.same and not same.code.files
    await _is_listed_once(lab)
    agent = await lab.link.agent()
    for path in ("here", "../secret.csv", "rows/secret.csv", "/etc/passwd", ".", "model.bin/x", "", "\ud800/\udc80"):
        with pytest.raises(errors.RunError, match="has no file"):
            await agent.call("code.read", run=run, path=path)
    for operation, more in (("code.read", {"path": "a\0b"}), ("runs.differ", {"have": {"outputs/a\0b": ""}})):
        with pytest.raises(errors.AgentError, match=r"a NUL in '.*a\\x00b'"):
            await agent.call(operation, run=run, **more)
    job = json.loads((lab.folder_of(run) / "job.json").read_text())
    assert (lab.root / "snapshots" / job["inputs"]["rows"]["digest"] / "secret.csv").exists()  # beside the code
    (lab.root / "snapshots" / found.b.code_digest).rename(lab.root / "gone")
    gone = one(await collected(lab.runs.compare(found.a.run, found.b.run)), RunsCompared)
    assert gone.code.same is None and "is not on this VM" in gone.code.note
    with pytest.raises(errors.RunError, match="there is no run"):
        await collected(lab.runs.compare(run, "0" * 26))
