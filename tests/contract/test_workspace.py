"""What every workspace does, whatever is behind it; then what the local one does where its database is in trouble."""

from __future__ import annotations

import math
import os
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigError, WorkspaceError
from core.events import RunInfo
from core.site.files import Site, load
from core.workspace import Metric, Op, Param, Tag, Workspace, lineage, model_source, opened
from core.workspace.local import LocalWorkspace

from ..fakes.workspace import FakeWorkspace
from ..lab.databases import MAKE, copied

RUN = "01JDCNTRACT00000000000000A"
INFO = RunInfo(
    run=RUN,
    name="a run",
    experiment="ward's",
    state="running",
    created=1_700_000_000.25,
    vm="stackvm",
    code_digest="c0de",
    environment="e1",
    data={"rows": "da7a"},
    tags={"colour": "blue", "trainshed.run": "forged", "mlflow.parentRunId": "forged"},
)
INNER = "0" * 31 + "c"
CHILD = RunInfo(run=INNER, name="inner", experiment="ward's", state="running", created=1_700_000_001.0, parent=RUN)


class Seen:
    """What is in a workspace, by other means than the protocol."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.workspace = workspace
        self._path = folder / "mlflow.db"

    def _rows(self, query: str, *values: str) -> list[Any]:
        with sqlite3.connect(self._path) as connection:
            return connection.execute(query, values).fetchall()

    def metrics(self, run: str) -> list[tuple[str, int, float]]:
        if isinstance(self.workspace, FakeWorkspace):
            return sorted((key, step, time) for key, step, time, _ in self.workspace.runs[run].metrics)
        rows = self._rows(
            "select m.key, m.step, m.timestamp / 1000.0 from metrics m join tags t on t.run_uuid = m.run_uuid"
            " where t.key = 'trainshed.run' and t.value = ?",
            run,
        )
        return sorted((key, step, time) for key, step, time in rows)

    def tags(self, run: str) -> dict[str, str]:
        if isinstance(self.workspace, FakeWorkspace):
            return self.workspace.runs[run].tags
        query = "select key, value from tags where run_uuid = (select run_uuid from tags where key = ? and value = ?)"
        return dict(self._rows(query, "trainshed.run", run))

    def run(self, run: str) -> tuple[str, float, float | None]:
        """(ended or not, start, end)."""
        if isinstance(self.workspace, FakeWorkspace):
            recorded = self.workspace.runs[run]
            return recorded.state, recorded.info.created, recorded.ended
        query = "select r.status, r.start_time, r.end_time from runs r join tags t on t.run_uuid = r.run_uuid"
        ((status, start, end),) = self._rows(query + " where t.key = 'trainshed.run' and t.value = ?", run)
        names = {"RUNNING": "running", "FINISHED": "completed", "FAILED": "failed", "KILLED": "cancelled"}
        return names[status], start / 1000, None if end is None else end / 1000

    def artifact(self, run: str, path: str) -> bytes:
        if isinstance(self.workspace, FakeWorkspace):
            return self.workspace.runs[run].artifacts[path]
        query = "select artifact_uri from runs r join tags t on t.run_uuid = r.run_uuid where t.value = ?"
        ((uri,),) = self._rows(query, run)
        return (Path(uri.removeprefix("file://")) / path).read_bytes()


@pytest.fixture(params=["local", "fake"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    if request.param == "fake":
        return FakeWorkspace()
    copied(LocalWorkspace(tmp_path), tmp_path / "mlflow.db")
    return LocalWorkspace(tmp_path)


def dumped(path: Path) -> list[list[str]]:
    """The words of each statement that makes such a database, but for when and where. Indexes and constraints have
    another order each time.
    """
    with closing(sqlite3.connect(path)) as connection:
        lines = [line.replace(str(path.parent), "FOLDER") for line in connection.iterdump()]
    return sorted(sorted(re.findall(r"\w+", re.sub(r"\b1[0-9]{12}\b", "TIME", line))) for line in lines)


def test_a_database_that_is_copied_is_as_mlflow_makes_it_there(tmp_path: Path) -> None:
    """Those of the tests are; below, the tests that are about making one have mlflow make it."""
    made, copy = tmp_path / "made" / "mlflow.db", tmp_path / "copy" / "mlflow.db"
    MAKE(LocalWorkspace(made.parent), made)
    copied(LocalWorkspace(copy.parent), copy)
    lines = dumped(made)
    assert lines == dumped(copy) and any("TIME" in line and "FOLDER" in line for line in lines)


@pytest.fixture
def seen(workspace: Workspace, tmp_path: Path) -> Seen:
    return Seen(workspace, tmp_path)


OPS: list[Op] = [
    *(Metric("loss", 1 / (step + 1), step, 1_700_000_000.5 + step) for step in range(5)),
    Metric("odd", math.nan, 0, 1_700_000_000.0),
    Metric("odd", math.inf, 1, 1_700_000_000.0),
    Param("lr", "0.1"),
    Tag("colour", "red"),
    Tag("gone", "soon"),
    Tag("gone", None),
]


def test_a_run_is_recorded_once_with_its_own_start(workspace: Workspace, seen: Seen) -> None:
    for _ in range(3):
        workspace.ensure_run(INFO)
    assert seen.run(RUN) == ("running", 1_700_000_000.25, None)
    tags = seen.tags(RUN)
    assert tags["colour"] == "blue" and tags["trainshed.run"] == RUN and tags["trainshed.code"] == "c0de"


def test_writing_again_makes_no_difference(workspace: Workspace, seen: Seen) -> None:
    workspace.ensure_run(INFO)
    for _ in range(3):
        assert workspace.write(RUN, OPS) == []
    assert len(seen.metrics(RUN)) == 7
    assert ("loss", 3, 1_700_000_003.5) in seen.metrics(RUN), "the original time"
    assert seen.tags(RUN)["colour"] == "red" and "gone" not in seen.tags(RUN)


def test_more_than_one_batch_is_written_whole(workspace: Workspace, seen: Seen) -> None:
    workspace.ensure_run(INFO)
    ops: list[Op] = [Metric("m", float(step), step, 1.7e9 + step) for step in range(2500)]
    ops += [Param(f"p{number}", "1") for number in range(250)]
    assert workspace.write(RUN, ops) == []
    assert len(seen.metrics(RUN)) == 2500


def test_one_refused_item_does_not_keep_back_the_others(workspace: Workspace, seen: Seen) -> None:
    workspace.ensure_run(INFO)
    workspace.write(RUN, [Param("lr", "0.1")])
    refused = workspace.write(RUN, [Param("a", "1"), Param("lr", "0.2"), Metric("m", 1.0, 0, 1.7e9)])
    assert len(refused) == 1 and refused[0].startswith("param lr: Changing param values is not allowed")
    assert [key for key, _, _ in seen.metrics(RUN)] == ["m"]


def test_a_job_cannot_take_another_runs_name(workspace: Workspace, seen: Seen) -> None:
    workspace.ensure_run(INFO)
    workspace.write(RUN, [Tag("trainshed.run", "forged"), Tag("trainshed.run", None), Tag("mlflow.parentRunId", "x")])
    assert seen.tags(RUN)["trainshed.run"] == RUN and seen.tags(RUN).get("mlflow.parentRunId") != "x"


def test_artifacts_are_kept_by_path_and_put_again(workspace: Workspace, seen: Seen) -> None:
    workspace.ensure_run(INFO)
    for data in (b"one", b"two"):
        workspace.put_artifact(RUN, "plots/deep/a b.txt", data)
    assert seen.artifact(RUN, "plots/deep/a b.txt") == b"two"


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_the_end_is_written_once_and_ends_open_children(workspace: Workspace, seen: Seen, state: Any) -> None:
    workspace.ensure_run(INFO)
    workspace.ensure_run(CHILD)
    workspace.finish(RUN, state, 1_700_000_100.5)
    workspace.finish(RUN, "lost", 1_700_000_999.0)
    assert seen.run(RUN) == (state, 1_700_000_000.25, 1_700_000_100.5)
    assert seen.run(CHILD.run) == (state, 1_700_000_001.0, 1_700_000_100.5)


def test_a_run_that_is_not_recorded_is_an_error(workspace: Workspace) -> None:
    for work in (
        lambda: workspace.write(RUN, OPS),
        lambda: workspace.put_artifact(RUN, "a", b""),
        lambda: workspace.finish(RUN, "completed", 1.0),
    ):
        with pytest.raises(WorkspaceError, match="not recorded"):
            work()


def test_registering_twice_gives_one_version(workspace: Workspace) -> None:
    workspace.ensure_run(INFO)
    source = model_source("ward-7", "stackvm", RUN, "model")
    first = workspace.register("demo", RUN, source, "d1", lineage(INFO))
    assert workspace.register("demo", RUN, source, "d1", lineage(INFO)) == first
    assert (first.model, first.version, first.run, first.digest) == ("demo", "1", RUN, "d1")
    assert first.source == f"trainshed://ward-7/stackvm/runs/{RUN}/models/model"
    assert first.tags["trainshed.data"] == "da7a" and first.tags["trainshed.environment"] == "e1"
    assert workspace.register("demo", "01JDCNTRACT00000000000000B", source, "d1", {}).version == "2"
    assert workspace.register("demo", RUN, source, "d2", {}).version == "3", "other bytes of the same run"


def test_models_are_found_by_name_and_version(workspace: Workspace) -> None:
    for number in range(12):
        workspace.register("it's", f"R{number}", "trainshed://a/b/runs/c/models/d", "d", {})
    workspace.register("another", "R", "trainshed://a/b/runs/c/models/d", "d", {})
    assert [(info.model, info.version) for info in workspace.models()] == [("another", "1"), ("it's", "12")]
    assert workspace.model("it's").version == "12" and workspace.model("it's", "3").run == "R2"
    for name, version in (("none", None), ("it's", "13")):
        with pytest.raises(WorkspaceError):
            workspace.model(name, version)
    assert workspace.describe().models == 2


def test_several_threads_make_one_run_and_one_version(workspace: Workspace, seen: Seen) -> None:
    def work(number: int) -> str:
        workspace.ensure_run(INFO)
        workspace.write(RUN, [Metric("m", 1.0, number, 1.7e9)])
        return workspace.register("demo", RUN, "trainshed://a/b/runs/c/models/d", "d", {}).version

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(work, range(12))) == {"1"}
    assert len(seen.metrics(RUN)) == 12


# the local one


def test_what_is_made_is_its_owners_alone_from_the_first_moment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fchmod", lambda *_: None)
    before = os.umask(0)
    try:
        site = _site(home / "s.toml", 'kind = "local"')
        workspace = opened(site)
        workspace.ensure_run(INFO)
        workspace.put_artifact(RUN, "plots/one/a.txt", b"a")
        workspace.put_artifact(RUN, "b.txt", b"b")
        with pytest.raises(WorkspaceError):
            workspace.put_artifact(RUN, "../../../out/c.txt", b"c")
    finally:
        os.umask(before)
    made = list(site.state.parent.rglob("*"))
    assert {"b.txt", "a.txt", "one", "artifacts", "workspace.lock", "mlflow.db"} <= {path.name for path in made}
    assert not [
        path for path in (*made, *site.state.parents[:3]) if home in path.parents and path.stat().st_mode & 0o077
    ]
    assert "out" not in {path.name for path in made}


def test_a_locked_database_is_an_error_and_then_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.workspace.database.LOCK_WAIT_S", 0.2)
    workspace = LocalWorkspace(tmp_path)
    workspace.ensure_run(INFO)
    other = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(WorkspaceError, match="locked") as caught:
        workspace.write(RUN, OPS)
    assert caught.value.hint
    other.execute("ROLLBACK")
    other.close()
    assert workspace.write(RUN, OPS) == []


def test_a_database_that_is_gone_is_an_error_until_it_is_back(tmp_path: Path) -> None:
    workspace = LocalWorkspace(tmp_path)
    workspace.ensure_run(INFO)
    (tmp_path / "mlflow.db").rename(tmp_path / "away")
    with pytest.raises(WorkspaceError, match="is gone"):
        workspace.write(RUN, OPS)
    assert not (tmp_path / "mlflow.db").exists()
    (tmp_path / "away").rename(tmp_path / "mlflow.db")
    assert workspace.write(RUN, OPS) == []


def test_a_copy_put_in_its_place_is_used(tmp_path: Path) -> None:
    workspace = LocalWorkspace(tmp_path)
    workspace.ensure_run(INFO)
    assert (tmp_path / "mlflow.db").stat().st_mode & 0o777 == 0o600, "it is its owner's alone"
    data = (tmp_path / "mlflow.db").read_bytes()
    (tmp_path / "mlflow.db").unlink()
    (tmp_path / "mlflow.db").write_bytes(data)
    workspace.write(RUN, OPS)
    assert len(Seen(workspace, tmp_path).metrics(RUN)) == 7


def test_what_is_not_a_database_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(WorkspaceError, match="not a database"):
        LocalWorkspace(tmp_path).describe()


def test_a_folder_that_cannot_be_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError):
        LocalWorkspace(tmp_path, f"sqlite:///{tmp_path}/file/mlflow.db").describe()


def test_a_tracking_server_that_does_not_answer_is_an_error_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as caught:
        LocalWorkspace(tmp_path, "http://somebody:hunter2@127.0.0.1:9").models()
    assert "hunter2" not in caught.value.title + caught.value.hint


def test_mlflow_says_nothing_on_stdout_or_stderr(tmp_path: Path) -> None:
    code = """
import sys, sqlite3
from pathlib import Path
from core.workspace.local import LocalWorkspace
assert "mlflow" not in sys.modules
from core.events import RunInfo
from core.workspace import *
from core.workspace import Metric, Param
folder = Path(sys.argv[1])
workspace = LocalWorkspace(folder)
assert "mlflow" not in sys.modules
info = RunInfo(run="01JDCNTRACT00000000000000A", name="n", experiment="e", state="running", created=1.7e9)
workspace.ensure_run(info)
workspace.write(info.run, [Metric("m", 1.0, 0, 1.7e9), Param("p", "x" * 7000), Param("bad\\nkey", "1")])
workspace.put_artifact(info.run, "a/b", b"x")
workspace.register("demo", info.run, "trainshed://a/b/runs/c/models/d", "d", {})
workspace.models()
workspace.finish(info.run, "completed", 1.7e9)
"""
    done = subprocess.run([sys.executable, "-W", "default", "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def _site(path: Path, workspace: str) -> Site:
    path.write_text(f'name = "w"\n[vms.stackvm]\nhost = "h"\n[workspace]\n{workspace}\n')
    return load(path)


def test_the_azure_workspace_says_that_it_is_not_there_yet(home: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not there yet"):
        opened(_site(tmp_path / "w.toml", 'kind = "azure"'))


def test_a_teams_server_is_written_to_by_its_address(home: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/elsewhere/team.db"
    opened(_site(tmp_path / "w.toml", f'tracking_uri = "{uri}"')).ensure_run(INFO)
    assert (tmp_path / "elsewhere" / "team.db").exists()


def test_two_processes_make_one_run(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from core.workspace.local import LocalWorkspace;"
        "from core.events import RunInfo; w = LocalWorkspace(Path(sys.argv[1]));"
        f"w.ensure_run(RunInfo(run={RUN!r}, name='n', experiment='e', state='running', created=1.7e9));"
        "print(w.register('demo', 'R', 'trainshed://a/b/runs/c/models/d', 'd', {}).version)"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    started = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0] for process in started] == ["1\n", "1\n"]
    assert Seen(LocalWorkspace(tmp_path), tmp_path).run(RUN)[0] == "running"
