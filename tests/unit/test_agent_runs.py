"""States, locks and requirements of the agent, without a sandbox; and the same on Python 3.8."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from core.agent import (
    engine,
    environments,
    interpreters,
    log_times,
    output,
    processes,
    resources,
    runfolder,
    serve,
    spawn,
)
from core.agent.faults import Fault
from core.agent.interpreters import Interpreter
from core.agent.states import States
from core.agent.tail import Tail

SOURCE = Path(serve.__file__).parent
OLDEST = [*sorted(Path.home().glob(".pyenv/versions/3.8.*/bin/python")), Path("/usr/bin/python3.8")]
PYTHONS = [sys.executable, *(str(path) for path in OLDEST[:1] if path.exists())]


def test_a_state_is_written_only_from_the_expected_one(tmp_path: Path) -> None:
    states = States(str(tmp_path), clock=lambda: 12.5, boot_id=lambda: "boot")
    assert states.append([""], "created")
    assert not states.append(["running"], "completed")
    assert states.append(["created"], "preparing") and states.append(["preparing"], "failed", "why", exit_code=3)
    assert [line["state"] for line in states.read()] == ["created", "preparing", "failed"]
    last = states.last()
    assert (last["seq"], last["time"], last["boot_id"]) == (3, 12.5, "boot")
    assert (last["reason"], last["exit_code"]) == ("why", 3)
    assert [last["pid"], last["start"]] == processes.identity(os.getpid())


@pytest.mark.parametrize("terminal", ["completed", "failed", "cancelled", "lost"])
def test_a_terminal_state_never_changes(tmp_path: Path, terminal: str) -> None:
    states = States(str(tmp_path))
    states.append([""], terminal)
    assert not states.append([terminal, "running"], "lost")
    assert states.last()["state"] == terminal


def test_one_of_many_writers_wins(tmp_path: Path) -> None:
    states = States(str(tmp_path))
    states.append([""], "running")
    won = []

    def write(name: str) -> None:
        if States(str(tmp_path)).append(["running"], name):
            won.append(name)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("lost", "completed", "cancelled") * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and [line["state"] for line in states.read()] == ["running", won[0]]


def test_who_has_patience_does_not_wait_for_a_writer_that_is_stopped(tmp_path: Path) -> None:
    states = States(str(tmp_path))
    assert states.append([""], "created")
    before = states.read()
    with open(states.path, "ab") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        assert not states.append(["created"], "cancelled", patience=0.05)
        assert states.read() == before
    assert states.append(["created"], "cancelled", patience=0.05)


def test_half_a_line_is_not_a_state(tmp_path: Path) -> None:
    states = States(str(tmp_path))
    states.append([""], "created")
    with open(states.path, "a") as file:
        file.write('{"seq": 2, "sta')
    assert [line["state"] for line in states.read()] == ["created"]


def test_a_run_that_is_supervised_is_not_lost_and_one_that_is_not_is_lost_once(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{"engine": "bwrap"}')
    states = States(str(tmp_path))
    states.append([""], "running")
    lock = runfolder.take(str(tmp_path))
    assert lock is not None and runfolder.settled(str(tmp_path))["state"] == "running"
    os.close(lock)
    assert [runfolder.settled(str(tmp_path))["state"] for _ in range(3)] == ["lost"] * 3
    assert len(states.read()) == 2


def test_supervisors_that_end_as_fast_as_they_start_are_not_started_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "runs" / "run"
    folder.mkdir(parents=True)
    states = States(str(folder))
    states.append([""], "created")
    started = []

    def dies(root: str, run: str, folder: str, lock: int) -> None:
        started.append(run)
        os.close(lock)

    monkeypatch.setattr(spawn, "supervisor", dies)
    while runfolder.settled(str(folder))["state"] == "created":
        assert len(started) <= runfolder.MOST
    assert len(started) == runfolder.MOST and states.last()["state"] == "lost"
    (folder / runfolder.TAKEN_UP).write_text("cut short by a full di")
    assert not runfolder._in_vain(str(folder))


@pytest.mark.parametrize("spliced", [True, False])
def test_what_is_printed_is_in_both_logs_to_their_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spliced: bool
) -> None:
    """Also where the file system of the logs has no splice(2)."""
    if not spliced:
        monkeypatch.setattr(output, "_splice", lambda *_: None)
    for name in ("raw.log", "passed.log"):
        (tmp_path / name).write_bytes(b"before\n" if name == "raw.log" else b"bef")
    heard: list[bytes] = []
    made = output.Output(str(tmp_path), 1000, heard.append, keep=True)
    text = os.urandom(900)
    for part in (text, b"x" * 500, b"y" * 500):
        os.write(made.job, part)
        made.drain()
    made.close()
    whole = b"before\n" + text + b"x" * 93 + (output.FULL % 1000).encode()
    assert (tmp_path / "raw.log").read_bytes() == (tmp_path / "passed.log").read_bytes() == whole
    assert b"".join(heard) == b"ore\n" + text + b"x" * 93


def test_times_of_a_log_are_a_line_a_second_fewer_in_long_runs_and_go_on_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("core.agent.log_times.time.monotonic", lambda: now[0])
    monkeypatch.setattr("core.agent.log_times.time.time", lambda: now[0] + 0.125)
    monkeypatch.setattr(log_times, "THIN_AFTER", 4)
    for name in ("raw.log", "passed.log"):
        (tmp_path / name).write_bytes(b"before")
    at = 6
    for _ in range(2):  # two supervisors, one after the other
        made = output.Output(str(tmp_path))
        for _ in range(12):
            os.write(made.job, b"half a second\n")
            made.drain()
            now[0] += 0.5
            at += 14
        made.close()
    assert (tmp_path / "passed.log").stat().st_size == at
    found = list(log_times.points((tmp_path / log_times.FILE).read_bytes().split(b"\n")[:-1]))
    assert found[:5] == [(6, 1000.12), (34, 1001.12), (62, 1002.12), (90, 1003.12), (118, 1004.12)]
    gaps = {(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(found[4:])}
    assert gaps == {(56, 2.0)}


def test_a_signal_in_the_middle_of_moving_output_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        """splice(2) as a signal meets it, the first time."""

        calls = 0

        def splice(self, *given: Any) -> Any:
            self.calls += 1
            if self.calls == 1:
                ctypes.set_errno(errno.EINTR)
                return -1
            return real.splice(*given)

    real, libc = output._libc, Interrupted()
    monkeypatch.setattr(output, "_libc", libc)
    for name in ("raw.log", "passed.log"):
        (tmp_path / name).touch()
    made = output.Output(str(tmp_path))
    os.write(made.job, b"whole")
    made.drain()
    made.close()
    assert (tmp_path / "raw.log").read_bytes() == (tmp_path / "passed.log").read_bytes() == b"whole" and libc.calls > 1


def test_a_log_at_its_limit_says_so_once_however_many_supervise(tmp_path: Path) -> None:
    for name in ("raw.log", "passed.log"):
        (tmp_path / name).touch()
    for _ in range(3):
        made = output.Output(str(tmp_path), 10, keep=True)
        os.write(made.job, b"0123456789abc")
        made.drain()
        made.close()
    assert (tmp_path / "passed.log").read_bytes() == b"0123456789" + (output.FULL % 10).encode()


def test_the_most_that_a_run_held_is_that_of_every_supervisor(tmp_path: Path) -> None:
    (tmp_path / resources.FILE).write_text('{"memory": 5}\n{"memory": 123456789012}\n{"memory": 7}\n{"mem')
    sampler = resources.Sampler(str(tmp_path), lambda: [os.getpid()])
    sampler.sample()
    assert sampler.close()["peak_memory"] == 123456789012


def test_a_job_may_not_hold_what_the_runner_needs() -> None:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert total // 4 * 3 - (1 << 20) <= resources.for_jobs() <= total - min(512 << 20, total // 4) + (1 << 20)


def test_another_boot_is_told_apart_from_a_dead_supervisor(tmp_path: Path) -> None:
    States(str(tmp_path), boot_id=lambda: "before").append([""], "running")
    after = States(str(tmp_path), boot_id=lambda: "after")
    assert "restarted" in runfolder.settled(str(tmp_path), after)["reason"]


def test_a_process_is_told_from_another_with_its_pid() -> None:
    process = subprocess.Popen(["sleep", "60"])
    try:
        pid, start = processes.identity(process.pid)
        assert processes.alive(pid, start) and not processes.alive(pid, start + 1)
        processes.end([[pid, start + 1]])
        assert process.poll() is None
        processes.end([[pid, start]])
        assert process.wait(5) == -9
        assert processes.start_time(pid) is None
    finally:
        process.kill()


def test_requirements_are_one_environment_however_they_are_written() -> None:
    python = Interpreter("3.11.2", "/usr/bin/python3.11", "/usr", "linux-x86_64")

    def name(text: str, by: Interpreter = python) -> str:
        return environments.environment_hash(environments.normalised(text), by)

    assert name("a==1\nb==2\n") == name("# x\r\nb==2   # y\r\n\r\n  a==1")
    assert name("a==1 \\\n --hash=sha256:0") == name("a==1 --hash=sha256:0")
    assert len({name("a==1"), name("a==2"), name(""), name("a==1", python._replace(version="3.11.3"))}) == 4


def test_only_ulids_are_runs() -> None:
    assert runfolder.check_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    for bad in ("", "..", "01ARZ3NDEKTSV4RRFFQ69G5FAV/", "01arz3ndektsv4rrffq69g5fav", "01ARZ3NDEKTSV4RRFFQ69G5FAV\n"):
        with pytest.raises(Fault):
            runfolder.check_ulid(bad)


def test_versions_of_python_that_are_none_are_refused() -> None:
    with pytest.raises(Fault, match="not a version"):
        interpreters.choose("three")
    own = interpreters.choose("")
    assert interpreters.choose(own.version) == own and interpreters.choose(own.version.rpartition(".")[0] + ".*") == own


@pytest.mark.parametrize(("text", "new"), [("bubblewrap 0.6.1", False), ("bubblewrap 0.8.0", True), ("", False)])
def test_versions_of_bubblewrap(text: str, new: bool) -> None:
    assert (engine.version(text) >= engine.NEEDED) is new


def test_the_reason_for_no_sandbox_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    switch = tmp_path / "switch"
    switch.write_text("1\n")
    monkeypatch.setattr(engine, "APPARMOR", str(switch))
    reason = engine.explain("bwrap: setting up uid map: Permission denied")
    assert "apparmor-profiles" in reason and "bwrap-userns-restrict" in reason
    switch.write_text("0\n")
    monkeypatch.setattr(engine, "SWITCHES", {str(switch): "user.max_user_namespaces=15000"})
    assert "sysctl -w user.max_user_namespaces" in engine.explain("")
    monkeypatch.setattr(engine, "SWITCHES", {})
    assert "No space left" in engine.explain("bwrap: No space left\n\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get install bubblewrap" in engine.missing()


def test_half_a_line_of_a_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntw")
    tail = Tail(str(path))
    assert tail.lines() == [b"one"] and tail.lines() == []
    with path.open("ab") as file:
        file.write(b"o\n\xff\n")
    assert tail.lines() == [b"two", b"\xff"]
    assert Tail(str(tmp_path / "none")).lines() == []


OLD = """
import importlib, os, pkgutil, sys, tempfile, threading
import agent
for name in sorted(module.name for module in pkgutil.iter_modules(agent.__path__)):
    if name not in ("__main__",):
        importlib.import_module("agent." + name)
from agent import call, following, runfolder, states, summary
root = tempfile.mkdtemp()
run = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
folder = os.path.join(root, "runs", run)
os.makedirs(os.path.join(folder, "tracking"))
open(os.path.join(folder, "job.json"), "w").write('{"run": "%s", "command": "true"}' % run)
open(os.path.join(folder, "policy.json"), "w").write('{"engine": "bwrap"}')
open(os.path.join(folder, "passed.log"), "wb").write(b"0123456789")
open(os.path.join(folder, "log-times.jsonl"), "wb").write(b"[0, 5.0]\\n[4, 6[8, 7.5]\\n[9, 8.5]\\n[1")
log = states.States(folder)
log.append([""], "created")
lock = runfolder.take(folder)
sent = []
asked = call.Call(1, "runs.follow", root, lambda _, payload: sent.append(payload))
def end():
    open(os.path.join(folder, "passed.log"), "ab").write(b"end")
    log.append(["created"], "completed", exit_code=0)
threading.Timer(0.2, end).start()
result = following.follow(asked, run, 4, 0)
assert b"".join(item for item in sent if isinstance(item, bytes)) == b"456789end", sent
times = [item["points"] for item in sent if isinstance(item, dict) and item.get("event") == "times"]
assert times == [[[0, 5.0], [9, 8.5]]], sent
assert result == {"state": "completed", "reason": "", "exit_code": 0, "log_bytes": 13}, result
assert summary.info(folder)["state"] == "completed"
print(sys.version.split()[0])
"""


@pytest.mark.parametrize("python", PYTHONS)
def test_every_module_of_the_agent_is_imported_and_a_run_followed(python: str, tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    words = [python, "-sSE", "-W", "error::SyntaxWarning", "-c", OLD]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
