"""What a run logged reaches the workspace once: a real agent, real SQLite, real kills."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.agent import forward
from core.agent.call import Call
from core.agent.faults import Fault
from core.errors import RunError, WorkspaceError
from core.events import Event, Notice, RunFinished
from core.runs import forward as forwarding
from core.runs.follow import Following
from core.runs.forward import Forwarder
from core.runs.reading import Reading
from core.workspace.local import LocalWorkspace

from ..fakes.workspace import FakeWorkspace
from ..pythons import oldest
from .agent_adapter import ProcessLink
from .agent_process import AgentProcess
from .logged import LoggedRun

RUN = "01JDFRWRD0000000000000000A"
CHILD = "c" * 32


@pytest.fixture
def logged(home: Path) -> LoggedRun:
    return LoggedRun(home / "vm", RUN)


@pytest.fixture
async def link(home: Path) -> AsyncIterator[ProcessLink]:
    link = ProcessLink(home / "vm")
    yield link
    await link.close()


def forwarder(link: Any, workspace: Any, **more: Any) -> Forwarder:
    return Forwarder(link, workspace, RUN, site="ward-7", vm="stackvm", **more)


async def followed(link: Any, workspace: Any, **more: Any) -> list[Event]:
    following = Following(link, Reading(RUN), forwarder(link, workspace, **more))
    return [event async for event in following.events()]


def notices(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


class Database:
    """What is in the workspace's SQLite."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "mlflow.db"

    def rows(self, query: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            return connection.execute(query).fetchall()

    def check_everything(self) -> None:
        assert self.rows("select key, count(*) from metrics group by key order by key") == [("loss", 3000), ("z", 1)]
        assert self.rows("select min(timestamp), max(timestamp) from metrics where key = 'loss'") == [
            (1_700_000_000_000, 1_700_002_999_000)
        ]
        assert self.rows("select key, value from params order by key") == [("epochs", "3"), ("lr", "0.1")]
        runs = self.rows("select name, status, start_time from runs order by start_time")
        assert runs == [("logged", "FINISHED", 1_700_000_000_000), ("inner", "FINISHED", 1_700_000_001_000)]
        ((parent,),) = self.rows("select value from tags where key = 'mlflow.parentRunId'")
        assert self.rows(f"select name from runs where run_uuid = '{parent}'") == [("logged",)]
        ((version, source),) = self.rows("select version, source from model_versions where name = 'demo'")
        assert (version, source) == (1, f"trainshed://ward-7/stackvm/runs/{RUN}/models/model")
        tags = dict(self.rows("select key, value from model_version_tags"))
        assert tags == {
            "from": "job",
            "trainshed.run": RUN,
            "trainshed.vm": "stackvm",
            "trainshed.data": "da7a",
            "trainshed.code": "c0de",
            "trainshed.environment": "e1",
            "trainshed.digest": "d1",
        }
        ((uri,),) = self.rows("select artifact_uri from runs where name = 'logged'")
        folder = Path(uri.removeprefix("file://"))
        kept = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert kept == {"notes/a.txt"}, "neither a large artifact nor a model's file leaves the VM"


async def test_everything_that_was_logged_is_recorded_once(home: Path, logged: LoggedRun, link: ProcessLink) -> None:
    logged.everything()
    logged.end()
    for _ in range(2):  # following again changes nothing
        events = await followed(link, LocalWorkspace(home))
        assert isinstance(events[-1], RunFinished) and notices(events) == []
        Database(home).check_everything()


async def test_what_streams_in_is_recorded_while_the_run_goes_on(logged: LoggedRun, link: ProcessLink) -> None:
    workspace = FakeWorkspace()
    task = asyncio.create_task(followed(link, workspace))
    for number in range(3):
        logged.metrics(number * 10, 10)
        while RUN not in workspace.runs or len(workspace.runs[RUN].metrics) < number * 10 + 10:
            await asyncio.sleep(0.02)
    logged.end("failed")
    await task
    assert workspace.runs[RUN].state == "failed"


KILLED = """
import asyncio, os, signal, sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
import mlflow.store.tracking.sqlalchemy_store, mlflow.tracking
from core.runs import forward
from core.workspace.local import LocalWorkspace
from tests.lab.agent_adapter import ProcessLink
from tests.lab import test_forward
left = 0

def die(*_, **__):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

class Workspace(LocalWorkspace):
    pass

def counted(name):
    real = getattr(LocalWorkspace, name)
    def work(*args, **kwargs):
        result = real(*args, **kwargs)
        die()
        return result
    setattr(Workspace, name, work)

for name in ("ensure_run", "write", "put_artifact", "register", "finish"):
    counted(name)
forward.LEASE_S = 1.0
home = Path(sys.argv[1])
for writes in (0, 1, 2, 4, 50):
    client = os.fork()
    if not client:
        left = writes
        asyncio.run(test_forward.followed(ProcessLink(home / "vm"), Workspace(home), lease_s=1.0))
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(client, 0)[1])
    print(ended, flush=True)
    if ended != -signal.SIGKILL:
        break
    time.sleep(2.0)  # the lease of the one that was killed, with some time to spare
"""


@pytest.mark.timeout(300)
async def test_a_client_killed_after_each_write_leaves_everything_once(home: Path, logged: LoggedRun) -> None:
    """Each is a process of its own, forked from one that has imported MLflow."""
    logged.everything()
    logged.end()
    words = [sys.executable, "-c", KILLED.format(tests=str(Path(__file__).parents[2])), str(home)]
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    said, _ = await asyncio.wait_for(process.communicate(), 240)
    *killed, last = said.decode().split()
    assert len(killed) >= 3 and set(killed) == {"-9"} and last == "0"
    Database(home).check_everything()


async def test_two_clients_follow_and_one_records(home: Path, logged: LoggedRun, link: ProcessLink) -> None:
    other = ProcessLink(home / "vm")
    calls: list[str] = []

    class Counting(LocalWorkspace):
        def write(self, run: str, ops: Any) -> list[str]:
            calls.append(run)
            return super().write(run, ops)

    logged.everything()
    one, two = Counting(home), Counting(home)
    tasks = [asyncio.create_task(followed(link, one)), asyncio.create_task(followed(other, two))]
    while not calls:
        await asyncio.sleep(0.02)
    logged.end()
    results = await asyncio.gather(*tasks)
    await other.close()
    said = [notices(events) for events in results]
    assert sorted(map(len, said)) == [0, 1] and "only watches" in max(said)[0]
    await followed(link, LocalWorkspace(home))
    Database(home).check_everything()


async def test_a_client_that_vanishes_is_replaced_when_its_lease_ends(logged: LoggedRun, link: ProcessLink) -> None:
    agent = await link.agent()
    assert await agent.call("tracking.lease", run=RUN, holder="vanished", seconds=1.0) == {"granted": True, "cursor": 0}
    logged.metrics(0, 5)
    workspace = FakeWorkspace()
    task = asyncio.create_task(followed(link, workspace, lease_s=1.0))
    while RUN not in workspace.runs or len(workspace.runs[RUN].metrics) < 5:
        await asyncio.sleep(0.02)
    logged.end()
    assert len(notices(await task)) == 1


async def test_a_lease_that_was_asked_for_at_the_last_moment_is_given_back(
    logged: LoggedRun, link: ProcessLink
) -> None:
    logged.end()
    agent = await link.agent()
    for number in range(20):
        leaving = forwarder(link, FakeWorkspace())
        leaving.start()
        for _ in range(number):
            await asyncio.sleep(0)
        await leaving.close()
        answer = await agent.call("tracking.lease", run=RUN, holder="next", seconds=60)
        assert answer["granted"], f"left after {number} turns of the loop"
        await agent.call("tracking.lease", run=RUN, holder="next", seconds=0)


async def test_a_broken_workspace_is_said_once_and_made_up_for(logged: LoggedRun, link: ProcessLink) -> None:
    workspace = FakeWorkspace()
    workspace.broken = WorkspaceError("it is locked")
    seen: list[Event] = []
    finished = asyncio.Event()

    async def follow() -> None:
        following = Following(link, Reading(RUN), forwarder(link, workspace))
        async for event in following.events():
            seen.append(event)
        finished.set()

    task = asyncio.create_task(follow())
    logged.metrics(0, 10)
    while not notices(seen):
        logged.metrics(0, 1, "tick")  # following goes on
        await asyncio.sleep(0.05)
    assert "it is locked" in notices(seen)[0]
    workspace.broken = None
    while RUN not in workspace.runs or len(workspace.runs[RUN].metrics) < 11:
        await asyncio.sleep(0.02)
    logged.end()
    await task
    assert len(notices(seen)) == 1 and workspace.runs[RUN].state == "completed"


async def test_a_database_locked_to_the_end_keeps_everything_for_the_next_time(
    home: Path, logged: LoggedRun, link: ProcessLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.workspace.database.LOCK_WAIT_S", 0.1)
    LocalWorkspace(home).describe()
    logged.everything()
    logged.end()
    with contextlib.closing(sqlite3.connect(home / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        events = await followed(link, LocalWorkspace(home))
        other.execute("ROLLBACK")
    assert isinstance(events[-1], RunFinished)
    (said,) = notices(events)
    assert "locked" in said and "kept on the VM" in said
    await followed(link, LocalWorkspace(home))
    Database(home).check_everything()


async def test_a_link_that_is_cut_loses_and_doubles_nothing(home: Path, logged: LoggedRun, link: ProcessLink) -> None:
    task = asyncio.create_task(followed(link, LocalWorkspace(home)))
    for number in range(4):
        logged.metrics(number * 250, 250)
        await asyncio.sleep(0.4)
        link.cut()
    logged.end()
    await task
    assert Database(home).rows("select count(*), count(distinct step) from metrics") == [(1000, 1000)]


async def test_what_does_not_fit_into_memory_is_read_again(
    logged: LoggedRun, link: ProcessLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "PENDING", 50)
    monkeypatch.setattr(forwarding, "BATCH", 200)
    logged.metrics(0, 3333)
    logged.end()
    workspace = FakeWorkspace()
    await followed(link, workspace)
    assert len(workspace.runs[RUN].metrics) == 3333


# the agent's side


@pytest.fixture
def agent(home: Path, logged: LoggedRun) -> Iterator[AgentProcess]:
    with AgentProcess(home / "vm", python=oldest()) as agent:
        yield agent


def test_only_the_holder_commits_and_the_cursor_never_goes_back(agent: AgentProcess) -> None:
    def lease(holder: str, seconds: float = 60) -> dict[str, Any]:
        return agent.call("tracking.lease", run=RUN, holder=holder, seconds=seconds)

    assert lease("a") == {"granted": True, "cursor": 0}
    assert lease("b") == {"granted": False, "cursor": 0}
    agent.call("tracking.commit", run=RUN, holder="a", cursor=7)
    for holder, cursor in (("b", 8), ("a", 6)):
        with pytest.raises(RunError):
            agent.call("tracking.commit", run=RUN, holder=holder, cursor=cursor)
    assert lease("a", 0) == {"granted": True, "cursor": 7}, "given back"
    with pytest.raises(RunError):
        agent.call("tracking.commit", run=RUN, holder="a", cursor=9)
    assert lease("b") == {"granted": True, "cursor": 7}
    with pytest.raises(RunError):
        lease("")


def test_a_lease_ends_by_the_clock_and_a_clock_that_jumped_back_does_not_keep_it(
    home: Path, logged: LoggedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(forward, "clock", lambda: now[0])
    call = Call(1, "tracking.lease", str(home / "vm"), lambda *_: None)
    assert forward.lease(call, RUN, "a", 60)["granted"]
    now[0] = 1059.9
    assert not forward.lease(call, RUN, "b", 60)["granted"]
    now[0] = 1060.0
    with pytest.raises(Fault, match="another client"):
        forward.commit(call, RUN, "a", 1)
    assert forward.lease(call, RUN, "b", 60)["granted"]
    now[0] = 1060.0 - 10 * 3600
    assert forward.lease(call, RUN, "a", 60)["granted"]


def test_many_clients_ask_at_once_and_one_gets_the_lease(home: Path, logged: LoggedRun) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with contextlib.ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        agents = [stack.enter_context(AgentProcess(home / "vm")) for _ in range(4)]
        answers = pool.map(
            lambda number: agents[number % 4].call("tracking.lease", run=RUN, holder=str(number), seconds=60), range(40)
        )
        assert sum(answer["granted"] for answer in answers) == 1


def test_operations_are_read_after_a_cursor(agent: AgentProcess, logged: LoggedRun) -> None:
    logged.metrics(0, 2500)
    found = [m for m in agent.stream("tracking.read", run=RUN, cursor=100, limit=2000) if isinstance(m, dict)]
    assert [message.get("seq") for message in found[:-1]] == list(range(101, 2101))


def test_small_artifacts_are_read_and_nothing_else(agent: AgentProcess, logged: LoggedRun) -> None:
    logged.everything()
    data = b"".join(m for m in agent.stream("artifacts.read", run=RUN, path="notes/a.txt") if isinstance(m, bytes))
    assert data == b"hello"
    base = logged.folder / "tracking" / "artifacts" / RUN
    (base / "out").symlink_to("/etc")
    (base / "passwd").symlink_to("/etc/passwd")
    for path, why in (
        ("big.bin", "more than"),
        ("saved/model.pkl", "models stay"),
        ("saved/MLmodel", "models stay"),
        ("none", "no artifact"),
        ("notes", "no artifact"),
        ("passwd", "no artifact"),
        ("out/passwd", "no artifact"),
        ("../../../job.json", "not an artifact's path"),
        ("%2e%2e/%2e%2e/job.json", "not an artifact's path"),
        ("/etc/passwd", "not an artifact's path"),
        ("", "not an artifact's path"),
    ):
        with pytest.raises(RunError, match=why):
            agent.call("artifacts.read", run=RUN, path=path)
    for of in ("..", "../" + RUN, "a/b"):
        with pytest.raises(RunError, match="not a run's id"):
            agent.call("artifacts.read", run=RUN, path="notes/a.txt", of=of)
