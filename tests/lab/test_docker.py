"""Runs in real containers of a real dockerd: contained, outliving whatever watches them, told truly how they end."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import errors
from core.agent import container, processes, resources, runfolder
from core.agent.docker_api import Docker, Refusal, Unanswered
from core.checks.catalogue import CATALOGUE
from core.checks.model import Seen
from core.sandbox import policy

from ..chaos.door import Door
from .agent_process import AgentProcess, place
from .dockerd import IMAGE, Dockerd, dockerd, events_of, one_dockerd
from .sshd import kill
from .test_agent_snapshots import member, put, tar
from .test_environment_store import listed
from .test_queue import _supervisor
from .test_runner import running, until
from .vm import VM, Followed, one_vm

__all__ = ["dockerd", "one_dockerd", "one_vm"]

pytestmark = pytest.mark.timeout(180)


class Docked:
    """A VM whose jobs run in containers."""

    def __init__(self, vm: VM, daemon: Dockerd) -> None:
        self.vm, self.daemon = vm, daemon
        self.agent = vm.agent()
        self.environment = self.agent.call("environments.build", image=IMAGE)["hash"]

    def start(self, command: str, **fields: Any) -> str:
        limits: dict[str, Any] = {key: fields.pop(key) for key in ("memory_bytes", "slots") if key in fields}
        job = self.vm.job(command, environment=self.environment, **fields)
        allowed = {**policy.for_job(data=bool(job.get("inputs"))), "engine": "docker", **limits}
        self.agent.call("runs.create", run=job["run"], job=job, policy=allowed)
        return str(job["run"])

    def ended(self, run: str, agent: AgentProcess | None = None) -> Followed:
        return Followed((agent or self.vm.agent()).stream("runs.follow", run=run))

    def run(self, command: str, **fields: Any) -> Followed:
        return self.ended(self.start(command, **fields))

    def going(self, run: str) -> None:
        running(self.vm, run)

    def log(self, run: str) -> bytes:
        return (self.vm.folder(run) / "passed.log").read_bytes()


@pytest.fixture
def docked(one_vm: VM, dockerd: Dockerd) -> Iterator[Docked]:
    yield Docked(one_vm, dockerd)


def test_a_job_sees_what_it_needs_and_nothing_else(docked: Docked) -> None:
    digest = docked.vm.data({"a.csv": b"1,2\n"})
    inputs = {"t": {"digest": digest, "path": "a.csv", "kind": "uri_file"}}
    command = (
        "cat /data/t/a.csv; echo $X; pwd; id -u; echo kept > outputs/m; grep CapEff /proc/self/status; "
        "ls /sys/class/net; touch /x /data/t/x /opt/x 2>&1 | grep -c 'Read-only\\|denied'; echo >/tmp/x; "
        "ls /root 2>&1; true"
    )
    done = docked.run(command, inputs=inputs, env={"X": "y z"}, outputs={"o": "uri_folder"})
    lines = done.text.splitlines()
    refused = "ls: cannot open directory '/root': Permission denied"
    assert lines == ["1,2", "y z", "/job", "65534", "CapEff:\t0000000000000000", "lo", "3", refused]
    assert done.states == ["created", "preparing", "running", "completed"] and done.result["exit_code"] == 0
    outputs = docked.vm.folder(str(done_run(docked))) / "outputs"
    assert (outputs / "m").read_text() == "kept\n" and (outputs / "o").is_dir()
    until(lambda: docked.daemon.containers() == [], "a container goes once the last state is written")


def done_run(docked: Docked) -> str:
    return max(os.listdir(docked.vm.root / "runs"))


@pytest.mark.parametrize(
    ("command", "state", "reason", "code"),
    [
        ("exit 7", "failed", "exit code 7", 7),
        ("kill -SEGV $$", "failed", "ended by signal 11 (SIGSEGV)", 139),
        ("echo fine; sleep 0", "completed", "", 0),
        ("no-such-program", "failed", "exit code 127", 127),
    ],
)
def test_each_end_has_its_line(docked: Docked, command: str, state: str, reason: str, code: int) -> None:
    result = docked.run(command).result
    assert (result["state"], result["reason"], result["exit_code"]) == (state, reason, code)


def test_out_of_memory_is_said(docked: Docked) -> None:
    command = "python3 -c 'held = bytearray(b\"x\" * (300 << 20))'"
    result = docked.run(command, memory_bytes=100 << 20).result
    assert result["state"] == "failed" and result["reason"] == "out of memory: 100 MiB allowed"


def test_a_time_limit_and_a_cancel_end_the_tree(docked: Docked) -> None:
    done = docked.run("trap 'echo tidy; exit 3' TERM; while :; do sleep 0.1; done", timeout_s=1)
    assert done.result["reason"] == "time limit of 1 s" and "tidy" in done.text
    run = docked.start("trap '' TERM; (trap '' TERM; setsid sleep 61) & sleep 62; sleep 63")
    docked.going(run)
    began = time.monotonic()
    assert docked.vm.agent().call("runs.cancel", run=run) == {"state": "cancelled"}
    assert 8 < time.monotonic() - began < 20
    until(lambda: docked.daemon.containers() == [], "no container is left")


def test_a_log_of_any_bytes_arrives_whole(docked: Docked) -> None:
    script = "import os; [os.write(1, bytes(range(256)) * 400 + b'\\r') for _ in range(300)]"
    done = docked.run(f'python3 -c "{script}"; python3 -c "import os; os.ftruncate(1, 0)" 2>&1 | tail -n 1')
    raw = (bytes(range(256)) * 400 + b"\r") * 300
    assert done.log.startswith(raw) and b"Invalid argument" in done.log[len(raw) :]


def test_what_a_job_logs_by_http_is_recorded(docked: Docked) -> None:
    script = (
        "import json, os, urllib.request as u; "
        "body = {'run_id': os.environ['MLFLOW_RUN_ID'], 'key': 'loss', 'value': 0.5, 'timestamp': 1000, 'step': 3}; "
        "request = u.Request(os.environ['MLFLOW_TRACKING_URI'] + '/api/2.0/mlflow/runs/log-metric', "
        "json.dumps(body).encode(), {'Content-Type': 'application/json'}); print(u.urlopen(request).status)"
    )
    done = docked.run(f'python3 -c "{script}"')
    assert done.text == "200\n"
    assert [(op["key"], op["value"], op["step"]) for op in done.tracking if op["op"] == "metric"] == [("loss", 0.5, 3)]


def test_the_first_run_of_a_vm_needs_no_earlier_one_below_bubblewrap(docked: Docked) -> None:
    """A client places the agent readable by its user alone; the container's is another."""
    source = place(docked.vm.root) / "agent"
    for path in [*source.iterdir(), source]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    done = docked.run("echo here")
    assert (done.text, done.result["state"]) == ("here\n", "completed")


def test_pip_in_a_job_takes_what_the_image_has_and_fails_at_once_for_the_rest(docked: Docked) -> None:
    assert docked.run("pip install pip").text.startswith("Defaulting to user installation")
    began = time.monotonic()
    done = docked.run("pip install six")
    assert done.result["exit_code"] == 1 and "No matching distribution found for six" in done.text
    assert "Retrying" not in done.text and time.monotonic() - began < 20


def test_a_second_create_finds_the_first(docked: Docked) -> None:
    run = docked.start("echo once; sleep 0.5")
    job = json.loads((docked.vm.folder(run) / "job.json").read_text())
    allowed = json.loads((docked.vm.folder(run) / "policy.json").read_text())
    assert docked.vm.agent().call("runs.create", run=run, job=job, policy=allowed)["existed"]
    assert docked.ended(run).text == "once\n"
    assert events_of(docked.daemon, run).count("start") == 1


COUNT = "for i in $(seq 30); do echo $i; sleep 0.1; done; exit 4"
COUNTED = "".join(f"{number}\n" for number in range(1, 31))


def test_a_run_goes_on_when_its_supervisor_is_killed_and_nothing_is_lost(docked: Docked) -> None:
    run = docked.start(COUNT)
    docked.going(run)
    for _ in range(3):
        until(lambda: _supervisor(run), "a supervisor")
        processes.send(*(_supervisor(run) or (0, 0)), signal.SIGKILL)
        time.sleep(0.3)
        assert docked.vm.agent().call("runs.show", run=run)["state"] == "running"
    done = docked.ended(run)
    assert (done.text, done.result["state"], done.result["exit_code"]) == (COUNTED, "failed", 4)
    assert done.states == ["created", "preparing", "running", "failed"]
    assert events_of(docked.daemon, run).count("start") == 1


def test_an_end_that_nobody_saw_is_found_by_the_next_reader(docked: Docked) -> None:
    run = docked.start("sleep 0.5; exit 9")
    docked.going(run)
    processes.send(*(_supervisor(run) or (0, 0)), signal.SIGKILL)
    until(lambda: [each["State"] for each in docked.daemon.containers()] == ["exited"], "the container's end")
    result = docked.ended(run).result
    assert (result["state"], result["exit_code"]) == ("failed", 9)


def unwatched(docked: Docked, run: str) -> None:
    """From now on, until somebody looks."""
    docked.going(run)
    processes.send(*(_supervisor(run) or (0, 0)), signal.SIGKILL)
    until(lambda: _supervisor(run) is None, "the supervisor's end")


def test_what_was_printed_while_nobody_watched_is_in_the_log_to_its_last_byte(docked: Docked) -> None:
    run = docked.start("sleep 1; (sleep 60; echo never) & seq 100000; exit 9")
    unwatched(docked, run)
    time.sleep(1.5)
    done = docked.ended(run)
    assert done.text == "".join(f"{number}\n" for number in range(1, 100001))
    assert (done.result["state"], done.result["exit_code"]) == ("failed", 9)


def test_a_container_that_somebody_removes_while_nobody_watches_is_not_begun_again(docked: Docked) -> None:
    run = docked.start("echo begun >> outputs/begun; sleep 60")
    until(lambda: (docked.vm.folder(run) / "outputs" / "begun").exists(), "the job's begin")
    unwatched(docked, run)
    docked.daemon.api.call("DELETE", f"/containers/trainshed-{run}", force="true")
    result = docked.ended(run).result
    assert (result["state"], result["reason"]) == ("failed", "its container was removed by somebody else")
    assert (docked.vm.folder(run) / "outputs" / "begun").read_text() == "begun\n"


def test_a_start_that_docker_has_forgotten_is_not_done_again(docked: Docked) -> None:
    """As after a kill of dockerd in the moment between the first process and the note of it."""
    run = docked.start("echo begun >> outputs/begun; sleep 60")
    until(lambda: (docked.vm.folder(run) / "outputs" / "begun").exists(), "the job's begin")
    unwatched(docked, run)
    made = docked.daemon.api.call("GET", f"/containers/trainshed-{run}/json")
    docked.daemon.api.call("DELETE", f"/containers/trainshed-{run}", force="true")
    body = {key: made["Config"][key] for key in ("Image", "Entrypoint", "Cmd", "Env", "Labels", "User", "WorkingDir")}
    again = {**body, "HostConfig": made["HostConfig"]}
    docked.daemon.api.call("POST", "/containers/create", again, name=f"trainshed-{run}")
    result = docked.ended(run).result
    assert result["state"] == "failed" and "Docker was stopped while it started" in result["reason"], result
    assert (docked.vm.folder(run) / "outputs" / "begun").read_text() == "begun\n"
    until(lambda: docked.daemon.containers() == [], "a container goes once the last state is written")
    docked.daemon.api.call("POST", "/containers/create", again, name=f"trainshed-{run}")
    docked.daemon.api.call("POST", f"/containers/trainshed-{run}/start")
    assert docked.daemon.api.call("POST", f"/containers/trainshed-{run}/wait")["StatusCode"] == 125
    assert (docked.vm.folder(run) / "outputs" / "begun").read_text() == "begun\n"


@pytest.mark.parametrize("watched", [True, False])
def test_how_a_job_ended_is_known_where_docker_has_lost_it(docked: Docked, watched: bool) -> None:
    """Docker says 255 where a container and what watched it ended while Docker was away."""
    docked.daemon.restart(signal.SIGTERM, live_restore=True)
    try:
        run = docked.start("sleep 2; echo done; exit 4")
        docked.going(run)
        docked.daemon.stop(signal.SIGKILL)
        until(lambda: docked.log(run) == b"done\n", "the last line")
        time.sleep(0.5)
        if not watched:
            unwatched(docked, run)
        kill([pid for pid in docked.daemon.processes() if b"containerd-shim" in Path(f"/proc/{pid}/comm").read_bytes()])
        docked.daemon.start(live_restore=True)
        known = docked.daemon.api.call("GET", f"/containers/trainshed-{run}/json")["State"]
        assert known["Status"] in ("exited", "removing") and known["ExitCode"] == 255, "its supervisor may be as fast"
        result = docked.ended(run).result
        assert (result["state"], result["reason"], result["exit_code"]) == ("failed", "exit code 4", 4)
    finally:
        docked.daemon.restart(signal.SIGTERM)


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_job_that_docker_has_forgotten_goes_on(docked: Docked, cancelled: bool) -> None:
    docked.daemon.restart(signal.SIGTERM, live_restore=True)
    try:
        run = docked.start("for i in $(seq 60); do echo $i; sleep 0.1; done; exit 4")
        docked.going(run)
        made = docked.daemon.api.call("GET", f"/containers/trainshed-{run}/json")
        docked.daemon.stop(signal.SIGKILL)
        config = docked.daemon.folder / "data" / "containers" / made["Id"] / "config.v2.json"
        kept = json.loads(config.read_text())
        kept["State"].update(Running=False, Pid=0, StartedAt="0001-01-01T00:00:00Z")
        config.write_text(json.dumps(kept))
        docked.daemon.start(live_restore=True)
        assert docked.daemon.api.call("GET", f"/containers/trainshed-{run}/json")["State"]["Status"] == "created"
        if cancelled:
            assert docked.vm.agent().call("runs.cancel", run=run) == {"state": "cancelled"}
            assert processes.start_time(made["State"]["Pid"]) is None
            return
        done = docked.ended(run)
        assert done.text == "".join(f"{number}\n" for number in range(1, 61))
        assert (done.result["state"], done.result["exit_code"]) == ("failed", 4), done.result
    finally:
        docked.daemon.restart(signal.SIGTERM)


def test_what_docker_left_half_started_does_not_keep_a_run_from_its_start(docked: Docked) -> None:
    """As after a kill of dockerd in the middle of a start: containerd has a folder of that container already."""
    job = docked.vm.job("echo fine", environment=docked.environment)
    body = {"Image": IMAGE, "Cmd": ["true"], "Labels": {container.LABEL: job["run"]}, "NetworkDisabled": True}
    made = docked.daemon.api.call("POST", "/containers/create", body, name=f"trainshed-{job['run']}")["Id"]
    left = docked.daemon.folder / "containerd-state" / "io.containerd.runtime.v2.task" / "moby" / made
    left.mkdir(parents=True)
    with pytest.raises(Refusal, match="file exists"):
        docked.daemon.api.call("POST", f"/containers/{made}/start")
    left.mkdir(parents=True, exist_ok=True)
    docked.agent.call("runs.create", run=job["run"], job=job, policy={**policy.for_job(data=False), "engine": "docker"})
    done = docked.ended(job["run"])
    assert (done.text, done.result["state"]) == ("fine\n", "completed"), done.result


def test_a_run_is_cancelled_while_docker_is_away(docked: Docked) -> None:
    docked.daemon.restart(signal.SIGTERM, live_restore=True)
    try:
        run = docked.start("trap '' TERM; while :; do sleep 0.1; done")
        docked.going(run)
        pid = docked.daemon.api.call("GET", f"/containers/trainshed-{run}/json")["State"]["Pid"]
        docked.daemon.stop(signal.SIGKILL)
        assert docked.vm.agent().call("runs.cancel", run=run) == {"state": "cancelled"}
        assert processes.start_time(pid) is None
        docked.daemon.start(live_restore=True)
        assert docked.run("true").result["state"] == "completed"
        until(lambda: docked.daemon.containers() == [], "the next run that ends removes what is left")
    finally:
        docked.daemon.restart(signal.SIGTERM)


def test_a_run_that_was_cancelled_before_docker_answered_never_begins(docked: Docked) -> None:
    job = docked.vm.job("echo begun > outputs/begun", environment=docked.environment)
    agent = docked.vm.agent()
    hanging = threading.Thread(target=docked.daemon.hang, args=(8,))
    agent.call("runs.create", run=job["run"], job=job, policy={**policy.for_job(data=False), "engine": "docker"})
    hanging.start()
    try:
        assert agent.call("runs.cancel", run=job["run"])["state"] in ("cancelled", "completed")
    finally:
        hanging.join()
    time.sleep(1)
    begun = (docked.vm.folder(job["run"]) / "outputs" / "begun").exists()
    assert begun == ("running" in [line["state"] for line in docked.vm.states(job["run"])])


@pytest.mark.parametrize(("killed", "reason"), [(True, "nobody knows how"), (False, "exit code 4")])
def test_a_run_does_not_go_on_for_ever_where_docker_does_not_come_back(
    docked: Docked, killed: bool, reason: str
) -> None:
    """Its processes have gone, and Docker has been silent for as long as it may be: eight seconds here."""
    (source,) = (docked.vm.root / "agent").glob("*/agent/docked.py")
    text = source.read_text()
    assert "ABSENT_S = 600.0" in text
    source.write_text(text.replace("ABSENT_S = 600.0", "ABSENT_S = 8.0"))
    docked.daemon.restart(signal.SIGTERM, live_restore=True)
    try:
        run = docked.start("echo begun; sleep 9; echo done; exit 4")
        docked.going(run)
        until(lambda: docked.log(run) == b"begun\n", "the first line")
        pid = docked.daemon.api.call("GET", f"/containers/trainshed-{run}/json")["State"]["Pid"]
        docked.daemon.stop(signal.SIGKILL)
        if killed:
            kill([pid])
        result = docked.ended(run).result
        assert result["state"] == "failed" and reason in result["reason"], result
        assert docked.log(run) == (b"begun\n" if killed else b"begun\ndone\n")
        last, before = docked.vm.states(run)[-1], docked.vm.states(run)[-2]
        assert 7.5 < last["time"] - before["time"] < 14, "not while it still runs"
    finally:
        docked.daemon.restart(signal.SIGTERM)


@pytest.mark.parametrize(("killed", "reason"), [(True, "Docker says that it still runs"), (False, "exit code 4")])
def test_an_end_that_docker_has_missed_is_told_all_the_same(docked: Docked, killed: bool, reason: str) -> None:
    """containerd hangs: Docker says that the container runs, and waits for its end for ever. Two looks of a second."""
    (source,) = (docked.vm.root / "agent").glob("*/agent/docked.py")
    text = source.read_text()
    assert "LOOK_S = 30.0" in text
    source.write_text(text.replace("LOOK_S = 30.0", "LOOK_S = 1.0"))
    run = docked.start("echo begun; sleep 3; exit 4")
    docked.going(run)
    until(lambda: docked.log(run) == b"begun\n", "the first line")
    pid = docked.daemon.api.call("GET", f"/containers/trainshed-{run}/json")["State"]["Pid"]
    with docked.daemon.containerd_paused():
        if killed:
            kill([pid])
        result = docked.ended(run).result
    assert result["state"] == "failed" and reason in result["reason"], result


def test_an_error_of_dockers_own_says_nothing_about_the_container(docked: Docked, tmp_path: Path) -> None:
    door = Door(tmp_path / "docker.sock", docked.daemon.socket)
    docker = Docker(str(door.path))
    run = docked.start("sleep 60")
    docked.going(run)
    try:
        found = container.inspect(docker, run)
        assert found is not None and found["State"]["Running"]
        door.shut = True
        with pytest.raises(Unanswered):
            container.inspect(docker, run)
    finally:
        door.close()


def test_a_signal_that_docker_cannot_send_is_sent_without_it(
    docked: Docked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(tmp_path / "docker.sock", docked.daemon.socket)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{door.path}")
    agent = docked.vm.agent()
    job = docked.vm.job("trap '' TERM; sleep 60; sleep 60", environment=docked.environment, timeout_s=1)
    try:
        agent.call("runs.create", run=job["run"], job=job, policy={**policy.for_job(data=False), "engine": "docker"})
        docked.going(job["run"])
        door.shut = True
        until(lambda: docked.daemon.containers()[0]["State"] == "exited", "the container's end", 30)
        door.shut = False
        assert docked.ended(job["run"], agent).result["reason"] == "time limit of 1 s"
    finally:
        door.shut = False
        agent.close()
        door.close()


def test_a_cancel_reaches_whoever_supervises_now(docked: Docked) -> None:
    run = docked.start("trap 'echo saved; exit 3' TERM; while :; do sleep 0.1; done")
    unwatched(docked, run)
    assert docked.vm.agent().call("runs.show", run=run)["state"] == "running"
    until(lambda: _supervisor(run), "another supervisor")
    time.sleep(1.0)
    began = time.monotonic()
    assert docked.vm.agent().call("runs.cancel", run=run) == {"state": "cancelled"}
    assert time.monotonic() - began < 9 and docked.log(run).endswith(b"saved\n")


def test_a_job_that_removes_the_word_of_its_begin_does_not_outlive_its_cancel(docked: Docked) -> None:
    run = docked.start("rm -f /run/trainshed/once/started; trap '' TERM; while :; do sleep 0.1; done")
    line = running(docked.vm, run)
    until(lambda: not (docked.vm.folder(run) / "once" / "started").exists(), "the job's own removal")
    processes.send(line["pid"], line["start"], signal.SIGKILL)
    until(lambda: _supervisor(run) is None, "the supervisor's end")
    (docked.vm.folder(run) / "cancel").touch()
    docked.daemon.pause()
    try:
        docked.vm.agent().call("runs.show", run=run)
        until(lambda: docked.vm.states(run)[-1]["state"] == "cancelled", "the run's end", 40)
        assert not any(processes.alive(*identity) for identity in line["sandbox"])
    finally:
        docked.daemon.resume()


def test_no_container_outlives_a_run_that_a_second_supervisor_cannot_go_on_with(docked: Docked) -> None:
    run = docked.start("sleep 60")
    unwatched(docked, run)
    (docked.vm.folder(run) / "raw.log").unlink()
    assert docked.ended(run).result["state"] == "failed"
    until(lambda: docked.daemon.containers() == [], "no container is left")


def test_no_container_outlives_a_run_that_is_taken_up_in_vain(docked: Docked) -> None:
    run = docked.start("sleep 60")
    unwatched(docked, run)
    stamps = "".join(f"{time.monotonic():.3f}\n" for _ in range(runfolder.MOST))
    (docked.vm.folder(run) / runfolder.TAKEN_UP).write_text(stamps)
    assert docked.vm.agent().call("runs.show", run=run)["state"] == "lost"
    assert docked.daemon.containers() == []


def test_a_container_that_outlived_an_absence_of_docker_ends_in_its_own_words(docked: Docked) -> None:
    docked.daemon.restart(signal.SIGTERM, live_restore=True)
    try:
        run = docked.start("while [ ! -e outputs/go ]; do sleep 0.1; done; exit 255")
        docked.going(run)
        docked.daemon.restart(signal.SIGKILL, live_restore=True)
        time.sleep(2.0)  # the supervisor sees it run again
        (docked.vm.folder(run) / "outputs" / "go").touch()
        result = docked.ended(run).result
        assert (result["reason"], result["exit_code"]) == ("exit code 255", 255)
    finally:
        docked.daemon.restart(signal.SIGTERM)


def test_the_memory_that_the_runner_needs_is_not_the_jobs(docked: Docked) -> None:
    run = docked.start("sleep 60")
    docked.going(run)
    found = container.inspect(docked.daemon.api, run)
    assert found is not None and found["HostConfig"]["Memory"] == resources.for_jobs()


def test_a_time_limit_counts_from_the_begin_whoever_supervises(docked: Docked) -> None:
    run = docked.start("sleep 60", timeout_s=3)
    time.sleep(1.5)
    unwatched(docked, run)
    assert docked.ended(run).result["reason"] == "time limit of 3 s"
    lines = docked.vm.states(run)
    assert 2.9 < lines[-1]["time"] - lines[-2]["time"] < 4.4


def test_an_agent_that_only_its_user_can_read_starts_a_container(docked: Docked) -> None:
    """As it is placed by ssh, as root."""
    for path in (docked.vm.root / "agent").rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    assert docked.run("echo fine").text == "fine\n"


def test_a_restart_of_docker_with_live_restore_changes_nothing(docked: Docked) -> None:
    docked.daemon.restart(signal.SIGTERM, live_restore=True)
    try:
        run = docked.start(COUNT)
        docked.going(run)
        docked.daemon.restart(signal.SIGKILL, live_restore=True)
        done = docked.ended(run)
        assert (done.text, done.result["state"], done.result["exit_code"]) == (COUNTED, "failed", 4)
    finally:
        docked.daemon.restart(signal.SIGTERM)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_of_docker_without_it_ends_the_run_with_the_reason(docked: Docked, how: int) -> None:
    run = docked.start("echo begun; sleep 60")
    docked.going(run)
    until(lambda: docked.log(run) == b"begun\n", "the first line")
    docked.daemon.stop(how)
    shown = docked.vm.agent().call("runs.show", run=run)
    assert shown["state"] in ("running", "failed")
    docked.daemon.start()
    result = docked.ended(run).result
    assert result["state"] == "failed" and "live-restore" in result["reason"], result


def test_while_docker_does_not_answer_nothing_is_concluded(docked: Docked) -> None:
    docked.daemon.restart(signal.SIGTERM, live_restore=True)
    try:
        run = docked.start("sleep 3; echo done")
        docked.going(run)
        docked.daemon.stop(signal.SIGKILL)
        processes.send(*(_supervisor(run) or (0, 0)), signal.SIGKILL)
        until(lambda: _supervisor(run) is None, "the supervisor's end")
        for _ in range(3):
            assert docked.vm.agent().call("runs.show", run=run)["state"] == "running"
        docked.daemon.start(live_restore=True)
        assert docked.ended(run).result["state"] == "completed"
    finally:
        docked.daemon.restart(signal.SIGTERM)


def test_a_container_that_somebody_removes_ends_the_run(docked: Docked) -> None:
    run = docked.start("sleep 60")
    docked.going(run)
    docked.daemon.api.call("DELETE", f"/containers/trainshed-{run}", force="true")
    result = docked.ended(run).result
    assert (result["state"], result["reason"]) == ("failed", "its container was removed by somebody else")


def test_what_is_not_ours_is_left_alone(docked: Docked) -> None:
    made = {"Image": IMAGE, "Cmd": ["sleep", "60"], "HostConfig": {"NetworkMode": "none"}}
    job = docked.vm.job("echo mine", environment=docked.environment)
    docked.daemon.api.call("POST", "/containers/create", made, name="trainshed-" + job["run"])
    docked.daemon.api.call("POST", f"/containers/trainshed-{job['run']}/start")
    docked.agent.call("runs.create", run=job["run"], job=job, policy={**policy.for_job(data=False), "engine": "docker"})
    result = docked.ended(job["run"]).result
    assert result["state"] == "failed" and "name" in result["reason"]
    docked.agent.call("runs.delete", run=job["run"])
    assert [each["State"] for each in docked.daemon.containers()] == ["running"]


def test_an_image_with_requirements_is_built_once_and_used(docked: Docked) -> None:
    agent = docked.vm.agent()
    first = agent.call("environments.build", image=IMAGE, requirements="six==1.16.0\n")
    again = agent.call("environments.build", image=IMAGE, requirements="# the same\nsix==1.16.0\n")
    assert (first["engine"], first["reused"], again) == ("docker", False, {**first, "reused": True})
    docked.environment = first["hash"]
    assert docked.run("python3 -c 'import six; print(six.__version__)'").text == "1.16.0\n"


def test_a_docker_build_context_is_built_from_its_snapshot(docked: Docked) -> None:
    text = f"FROM {IMAGE}\nCOPY greeting /greeting\nENV MARK=built\nRUN test ! -e /data && echo in the build\n"
    context = tar((member("docker/Containerfile"), text.encode()), (member("greeting"), b"hello\n"))
    digest = put(docked.agent, context)
    asked = {"digest": digest, "dockerfile": "docker/Containerfile"}
    messages = list(docked.agent.stream("environments.build", context=asked))
    log = "".join(message["text"] for message in messages if isinstance(message, dict) and "text" in message)
    assert "in the build" in log
    last = messages[-1]
    assert isinstance(last, dict)
    docked.environment = last["result"]["hash"]
    assert docked.run("cat /greeting; echo $MARK").text == "hello\nbuilt\n"
    bad = put(docked.agent, tar((member("Dockerfile"), f"FROM {IMAGE}\nRUN echo why; exit 3\n".encode())))
    with pytest.raises(errors.BuildError, match="returned a non-zero code: 3") as raised:
        docked.agent.call("environments.build", context={"digest": bad, "dockerfile": "Dockerfile"})
    assert "RUN echo why; exit 3" in raised.value.hint and "\nwhy" in raised.value.hint


def test_an_image_that_is_not_there_is_named(docked: Docked) -> None:
    with pytest.raises(errors.BuildError, match="nowhere/nothing") as raised:
        docked.agent.call("environments.build", image="127.0.0.1:9/nowhere/nothing:1")
    assert "[environments]" in raised.value.hint


def test_where_docker_is_not_an_image_is_left_out_only_if_there_is_another_way(
    one_vm: VM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    agent = one_vm.agent()
    with pytest.raises(errors.BuildError, match="needs Docker") as raised:
        agent.call("environments.build", image="a/b:1")
    assert "no Docker on this VM" in raised.value.hint
    job = one_vm.job("true")
    with pytest.raises(errors.SandboxError, match="Docker cannot be used"):
        agent.call("runs.create", run=job["run"], job=job, policy={**policy.for_job(data=False), "engine": "docker"})


def test_an_image_without_python_runs_without_tracking(docked: Docked) -> None:
    text = f"FROM {IMAGE}\nUSER root\nRUN rm -f /usr/bin/python3*\n"
    digest = put(docked.agent, tar((member("Dockerfile"), text.encode())))
    built = docked.agent.call("environments.build", context={"digest": digest, "dockerfile": "Dockerfile"})
    docked.environment = built["hash"]
    done = docked.run("echo alive; exit 5")
    assert (done.text, done.result["exit_code"]) == ("alive\n", 5)


def test_a_check_tells_how_docker_is_set(docked: Docked, monkeypatch: pytest.MonkeyPatch) -> None:
    def verdict() -> tuple[str, str]:
        seen = Seen(host=docked.vm.agent().call("checks.host", user="", client_address=""))
        found = next(check for check in CATALOGUE if check.id == "docker").run(seen)
        return found.status, found.evidence

    assert verdict()[0] == "warn" and "live-restore off" in verdict()[1]
    docked.daemon.restart(signal.SIGTERM, live_restore=True)
    try:
        assert verdict()[0] == "pass"
        docked.daemon.socket.chmod(0o666)
        assert verdict()[0] == "fail"
    finally:
        docked.daemon.restart(signal.SIGTERM)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")
    assert verdict()[0] == "skipped"


def test_only_an_image_that_was_built_here_is_removed(docked: Docked) -> None:
    agent = docked.vm.agent()
    own = agent.call("environments.build", image=IMAGE, requirements="six==1.17.0\n")["hash"]
    record = json.loads((docked.vm.root / "environments" / own / "environment.json").read_text())
    shown = listed(docked.vm)
    assert {(each["kind"], each["what"]) for each in shown.values()} == {("image", IMAGE)}
    assert all(each["bytes"] > 50_000_000 for each in shown.values())
    removed = agent.call("environments.prune", older_s=0, wanted=[])["removed"]
    assert sorted(removed) == sorted([own, docked.environment])
    images = {each["Id"] for each in docked.daemon.api.call("GET", "/images/json")}
    assert record["image"] not in images and docked.daemon.base_image() in images


def test_a_run_in_docker_needs_its_environment(docked: Docked) -> None:
    run = docked.start("sleep 60")
    docked.going(run)
    assert listed(docked.vm)[docked.environment]["needed"]
    docked.vm.agent().call("runs.cancel", run=run)
    assert os.listdir(docked.vm.root / "environments").count(docked.environment) == 1


def test_a_model_out_of_a_container_is_not_packaged_as_something_else(docked: Docked) -> None:
    run = docked.start("true")
    assert docked.ended(run).result["state"] == "completed"
    with pytest.raises(errors.RunError, match="Docker image"):
        docked.vm.agent().call("models.package", run=run, model="m", version="1", name="m", files={})
