"""A model that a real job logged: packaged, served in a real sandbox, asked, switched and stopped."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from core import errors
from core.agent import processes
from core.sandbox import policy

from .agent_process import AgentProcess
from .serving import PYTHON, SERVER

pytestmark = pytest.mark.timeout(300)  # the first of them builds the environment, in the background of a busy machine

SERVICE = policy.for_service()
SPY = """
import json, os, socket, sys
port, paths = json.load(open("/package/asked.json"))
found = {"seen": [path for path in paths if os.path.exists(path)], "writable": [], "network": "", "uid": os.getuid()}
for path in ("/package", "/env", "/", "/run/model"):
    if os.access(path, os.W_OK):
        found["writable"].append(path)
try:
    socket.create_connection(("127.0.0.1", port), timeout=2)
    found["network"] = "reached the VM"
except OSError as error:
    found["network"] = error.strerror or str(error)
found["links"] = os.listdir("/sys/class/net") if os.path.isdir("/sys/class/net") else []
print(json.dumps(found), flush=True)
sys.exit(7)
"""


@pytest.fixture
def root(serving_root: Path) -> Path:
    return serving_root


@pytest.fixture
def agent(serving_agent: AgentProcess) -> AgentProcess:
    return serving_agent


@pytest.fixture
def run(iris_run: str) -> str:
    return iris_run


@pytest.fixture
def data(held_out: dict[str, str]) -> dict[str, str]:
    return held_out


def package(agent: AgentProcess, run: str, version: str = "1", **files: str) -> dict[str, Any]:
    added = {**SERVER, **files}
    return agent.call("models.package", run=run, model="iris", version=version, name="iris", files=added)


def start(agent: AgentProcess, service: str, version: str = "1") -> dict[str, Any]:
    return agent.call("services.start", service=service, package="", model="iris", version=version, policy=SERVICE)


def state(root: Path, service: str) -> dict[str, Any]:
    """What the keeper of the instance in use wrote."""
    place = root / "services" / service
    instance = json.loads((place / "state.json").read_text())["instance"]
    found: dict[str, Any] = json.loads((place / "instances" / instance / "state.json").read_text())
    return found


def tree(root: Path, service: str) -> list[list[int]]:
    """[pid, start time] of the keeper and all its descendants."""
    keeper = state(root, service)["pid"]
    return [processes.identity(pid) for pid in [keeper, *processes.tree(keeper)]]


def alive(identities: list[list[int]]) -> list[int]:
    return [pid for pid, start_time in identities if processes.alive(pid, start_time)]


def test_the_same_inputs_give_the_same_digest_and_the_package_is_whole(agent: AgentProcess, run: str) -> None:
    first, second = package(agent, run), package(agent, run)
    assert first == second
    folder = Path(first["path"])
    assert {"package.json", "requirements.txt", "server.py", "model/MLmodel"} <= set(first["files"])
    assert all((folder / name).is_file() for name in first["files"])
    record = json.loads((folder / "package.json").read_text())
    assert (record["run"], record["model_name"], record["digest"]) == (run, "iris", first["digest"])
    assert "scikit-learn==" in (folder / "requirements.txt").read_text()
    assert all("==" in line for line in (folder / "requirements.txt").read_text().splitlines())


def test_another_server_gives_another_digest(agent: AgentProcess, run: str) -> None:
    first = package(agent, run, version="digest")
    assert package(agent, run, version="digest", extra="x")["digest"] != first["digest"]


def test_a_model_that_was_changed_on_the_vm_is_not_packaged(agent: AgentProcess, run: str, root: Path) -> None:
    extra = next((root / "runs" / run / "tracking" / "models").iterdir()) / "added.txt"
    extra.write_text("x")
    try:
        with pytest.raises(errors.RunError, match="changed"):
            package(agent, run, version="changed")
    finally:
        extra.unlink()
    assert not (root / "packages" / "iris" / "changed").exists()


def test_a_model_that_the_run_never_logged_is_named(agent: AgentProcess, run: str) -> None:
    with pytest.raises(errors.RunError, match="logged no model 'rose'") as caught:
        agent.call("models.package", run=run, model="rose", version="1", name="rose", files={})
    assert "iris" in caught.value.hint


@pytest.fixture
def service(agent: AgentProcess, run: str) -> str:
    package(agent, run)
    assert start(agent, "flowers")["state"] == "healthy"
    return "flowers"


def test_starting_the_same_again_changes_nothing(agent: AgentProcess, service: str, root: Path) -> None:
    before = state(root, service)["pid"]
    assert start(agent, service)["state"] == "healthy"
    assert state(root, service)["pid"] == before


@pytest.mark.parametrize(
    ("row", "prediction", "expected", "correct"), [(0, "0", "0", True), (1, "2", "2", True), (2, "0", "2", False)]
)
def test_a_row_is_picked_on_the_vm_and_the_answer_compared(
    agent: AgentProcess, service: str, data: dict[str, str], row: int, prediction: str, expected: str, correct: bool
) -> None:
    answer = agent.call("services.invoke", service=service, row=row, data=data, target="target")
    assert (answer["prediction"], answer["expected"], answer["correct"]) == (prediction, expected, correct)
    assert answer["duration_s"] > 0
    assert set(answer) == {"prediction", "expected", "correct", "duration_s"}


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"service": "roses"}, errors.ServiceError, "no service roses"),
        ({"row": 3}, errors.UsageError, "no row 3: it has 3 rows"),
        ({"row": -1}, errors.UsageError, "no row -1"),
        ({"target": "species"}, errors.UsageError, "no column 'species'"),
        ({"data": {"digest": "0" * 64, "file": ""}}, errors.DataError, "no data"),
        ({"data": {"file": "other.csv"}}, errors.DataError, "no file 'other.csv'"),
        ({"data": {"file": "../manifest.json"}}, errors.DataError, "no file"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(
    agent: AgentProcess,
    service: str,
    data: dict[str, str],
    changes: dict[str, Any],
    kind: type[Exception],
    message: str,
) -> None:
    given = {"service": service, "row": 0, "target": "target", **changes, "data": {**data, **changes.get("data", {})}}
    with pytest.raises(kind, match=message):
        agent.call("services.invoke", **given)


def test_a_row_that_the_model_refuses_is_not_quoted(agent: AgentProcess, service: str, data: dict[str, str]) -> None:
    with pytest.raises(errors.ServiceError, match="refused the row") as caught:
        agent.call("services.invoke", service=service, row=0, data=data, target="sepal length (cm)")
    assert "3.5" not in caught.value.title + caught.value.hint + str(caught.value.facts)


def test_the_server_sees_neither_data_nor_network_and_writes_only_its_socket(
    agent: AgentProcess, run: str, root: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        paths = ["/data", str(root / "data"), str(root / "runs"), str(root / "packages"), "/var", "/home/job"]
        asked = json.dumps([listener.getsockname()[1], paths])
        package(agent, run, version="spy", **{"server.py": SPY, "asked.json": asked})
        with pytest.raises(errors.ServiceError) as caught:
            start(agent, "spy", "spy")
    assert "exit 7" in caught.value.title
    found = json.loads(caught.value.hint.splitlines()[-1])
    assert found["seen"] == ["/home/job"]  # the sandbox's own
    assert found["writable"] == ["/run/model"]
    assert found["network"] != "reached the VM"
    assert found["links"] in ([], ["lo"])
    assert found["uid"] == 65534
    listed = {item["service"]: item for item in agent.call("services.list")["services"]}
    assert listed["spy"]["state"] == "failed" and "exit 7" in listed["spy"]["reason"]


def test_a_new_version_takes_over_only_when_it_is_healthy(
    agent: AgentProcess, run: str, root: Path, data: dict[str, str]
) -> None:
    package(agent, run)
    package(agent, run, version="2", note="another package")
    package(agent, run, version="broken", **{"server.py": "raise SystemExit('no such model')"})
    start(agent, "switched")
    first = tree(root, "switched")
    with pytest.raises(errors.ServiceError) as caught:
        start(agent, "switched", "broken")
    assert "no such model" in caught.value.hint
    answer = agent.call("services.invoke", service="switched", row=0, data=data, target="target")
    assert answer["correct"] and alive(first) == [pid for pid, _ in first]
    assert start(agent, "switched", "2")["version"] == "2"
    assert alive(first) == []
    assert agent.call("services.invoke", service="switched", row=0, data=data, target="target")["correct"]
    second = tree(root, "switched")
    assert agent.call("services.stop", service="switched")["state"] == "stopped"
    assert alive(second) == []


def test_a_service_survives_its_connection(run: str, root: Path, data: dict[str, str], agent: AgentProcess) -> None:
    package(agent, run)
    with AgentProcess(root, python=PYTHON) as other:
        start(other, "lasting")
    assert agent.call("services.invoke", service="lasting", row=0, data=data, target=None)["expected"] is None
    agent.call("services.stop", service="lasting")


def test_a_service_whose_keeper_was_killed_is_listed_as_failed_and_leaves_nothing(
    agent: AgentProcess, run: str, root: Path
) -> None:
    package(agent, run)
    start(agent, "killed")
    everything = tree(root, "killed")
    os.kill(everything[0][0], signal.SIGKILL)
    _gone(everything[:1])
    listed = {item["service"]: item for item in agent.call("services.list")["services"]}
    assert listed["killed"]["state"] == "failed" and "keeper" in listed["killed"]["reason"]
    _gone(everything)
    assert start(agent, "killed")["state"] == "healthy"
    agent.call("services.stop", service="killed")


def test_stopping_twice_is_fine_and_stopping_nothing_is_not(agent: AgentProcess, service: str, root: Path) -> None:
    everything = tree(root, service)
    assert len(everything) >= 3  # keeper, bubblewrap, and the server in it
    assert agent.call("services.stop", service=service)["state"] == "stopped"
    assert alive(everything) == []
    assert agent.call("services.stop", service=service)["state"] == "stopped"
    with pytest.raises(errors.ServiceError, match="no service roses"):
        agent.call("services.stop", service="roses")


def _gone(identities: list[list[int]]) -> None:
    """Waits for each to end, by its own descriptor."""
    for pid, start_time in identities:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if processes.alive(pid, start_time):
                assert select.select([descriptor], [], [], 10)[0], f"process {pid} is still there"
        finally:
            os.close(descriptor)
