"""Runs on a real agent in real sandboxes: started once, never lost, followed to the last byte."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import errors
from core.agent import processes, runfolder, runs, spawn
from core.agent.states import States
from core.sandbox import policy

from .agent_process import AgentProcess
from .vm import PYTHON, VM, Followed, new_ulid, one_vm, vm

__all__ = ["one_vm", "vm"]


def until(true: Callable[[], Any], what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def running(vm: VM, run: str) -> dict[str, Any]:
    """The run's line of state `running`, when it is there."""
    until(lambda: vm.states(run)[-1]["state"] not in ("created", "preparing"), "running")
    line = vm.states(run)[-1]
    assert line["state"] == "running", line
    return line


def listed(text: str) -> bool:
    return text in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


def test_a_run_has_its_code_its_data_its_outputs_and_its_variables(vm: VM) -> None:
    digest = vm.data({"train/a.csv": b"1,2\n", "b.csv": b"3\n"})
    inputs = {
        "folder": {"digest": digest, "path": "train", "kind": "uri_folder"},
        "file": {"digest": digest, "path": "train/a.csv", "kind": "uri_file"},
        "all": {"digest": digest, "path": "", "kind": "uri_folder"},
    }
    command = "cat /data/folder/a.csv /data/file/a.csv /data/all/b.csv; echo $X; pwd; echo kept > outputs/model; id -u"
    done = vm.run(vm.agent(), command, inputs=inputs, env={"X": "y z"}, outputs={"out": "uri_folder"})
    assert done.text == "1,2\n1,2\n3\ny z\n/job\n65534\n"
    assert done.states == ["created", "preparing", "running", "completed"]
    assert done.result == {"state": "completed", "reason": "", "exit_code": 0, "log_bytes": len(done.log)}
    info = vm.agent().call("runs.list")["runs"][0]
    folder = vm.folder(info["run"])
    assert (folder / "outputs" / "model").read_text() == "kept\n" and (folder / "outputs" / "out").is_dir()
    assert info["data"] == {"folder": digest, "file": digest, "all": digest}
    assert (folder / "raw.log").read_bytes() == (folder / "passed.log").read_bytes() == done.log


def test_a_failing_command_says_how_it_ended(vm: VM) -> None:
    agent = vm.agent()
    assert vm.run(agent, "echo no >&2; exit 3").result["reason"] == "exit code 3"
    killed = vm.run(agent, "kill -SEGV $$")
    assert (killed.result["exit_code"], killed.result["reason"]) == (139, "ended by signal 11 (SIGSEGV)")


def test_a_job_cannot_empty_its_own_log(vm: VM) -> None:
    script = (
        "import os\nprint('before', flush=True)\n"
        "for act in (lambda: os.ftruncate(1, 0), lambda: os.lseek(1, 0, 0), lambda: os.truncate('/dev/stdout', 0)):\n"
        "    try:\n        act()\n    except OSError:\n        pass\n"
        "open('/dev/stdout', 'w').write('after\\n')"
    )
    done = vm.run(vm.agent(), f'{PYTHON} -c "{script}"; echo end > /dev/stderr')
    assert done.text == "before\nafter\nend\n"


def test_any_bytes_pass_exactly(vm: VM) -> None:
    script = (
        "import os, random\nsource = random.Random(7)\nout = open(1, 'wb', 0)\n"
        "for _ in range(160): out.write(source.getrandbits(8 * 65536).to_bytes(65536, 'big').replace(b'\\n', b'\\r'))\n"
        "out.write(b'\\xff\\xfe end')"
    )
    done = vm.run(vm.agent(), f'{PYTHON} -c "{script}"')
    assert len(done.log) == 160 * 65536 + 6 and done.log.endswith(b"\xff\xfe end") and b"\n" not in done.log
    import random

    source, total = random.Random(7), hashlib.sha256()
    for _ in range(160):
        total.update(source.getrandbits(8 * 65536).to_bytes(65536, "big").replace(b"\n", b"\r"))
    assert hashlib.sha256(done.log[:-6]).hexdigest() == total.hexdigest()


def test_a_reader_that_comes_back_continues_at_its_byte(one_vm: VM) -> None:
    agent = one_vm.agent()
    run = one_vm.start(agent, "for i in $(seq 300); do echo line $i $RANDOM; sleep 0.003; done")
    first = b""
    stream = agent.stream("runs.follow", run=run)
    for message in stream:
        first += message if isinstance(message, bytes) else b""
        if len(first) > 500:
            break
    stream.close()  # type: ignore[attr-defined]
    rest = Followed(one_vm.agent().stream("runs.follow", run=run, offset=len(first)))
    whole = (one_vm.folder(run) / "passed.log").read_bytes()
    assert hashlib.sha256(first + rest.log).digest() == hashlib.sha256(whole).digest()
    assert rest.offsets[0] == len(first) and rest.result["log_bytes"] == len(whole)
    again = Followed(agent.stream("runs.follow", run=run))
    assert again.log == whole and again.states[-1] == "completed"


def test_an_offset_beyond_the_log_is_an_error_that_tells_its_size(one_vm: VM) -> None:
    agent = one_vm.agent()
    run = one_vm.start(agent, "echo hello")
    Followed(agent.stream("runs.follow", run=run))
    with pytest.raises(errors.RunError, match="has 6 bytes") as caught:
        Followed(agent.stream("runs.follow", run=run, offset=7))
    assert caught.value.facts["size"] == 6


def test_each_line_reaches_its_reader_as_it_is_printed(one_vm: VM) -> None:
    """The job goes on only when its reader has the line; `make bench` measures how long that takes."""
    agent = one_vm.agent()
    run = one_vm.start(agent, "for n in 1 2 3 4 5; do echo $n; while [ ! -e outputs/$n ]; do sleep 0.01; done; done")
    text = b""
    for message in agent.stream("runs.follow", run=run):
        if isinstance(message, bytes):
            text += message
            assert one_vm.states(run)[-1]["state"] == "running" and text.endswith(b"\n")
            (one_vm.folder(run) / "outputs" / text.decode().split()[-1]).touch()
    assert text == b"1\n2\n3\n4\n5\n"


def test_tracking_operations_after_the_cursor_are_sent(one_vm: VM) -> None:
    agent = one_vm.agent()
    run = one_vm.start(agent, "while [ ! -e outputs/go ]; do sleep 0.02; done")
    running(one_vm, run)
    with (one_vm.folder(run) / "tracking" / "log.jsonl").open("a") as log:
        for number in range(1, 4):
            record = {"seq": number, "op": "metric", "run": run, "key": "loss", "value": number, "step": 0, "time": 1}
            log.write(json.dumps(record) + "\n")
        log.write('{"seq":4,"op":"met')  # a writer is in the middle of it
    (one_vm.folder(run) / "outputs" / "go").touch()
    done = Followed(agent.stream("runs.follow", run=run, cursor=1))
    assert [(item["seq"], item["op"], item["value"]) for item in done.tracking] == [(2, "metric", 2), (3, "metric", 3)]
    assert agent.call("runs.show", run=run)["metrics"] == {"loss": 3}


def test_kill_9_of_the_connection_leaves_the_run_going(vm: VM) -> None:
    agent = vm.agent()
    run = vm.start(agent, "while [ ! -e outputs/go ]; do sleep 0.02; done; echo done")
    running(vm, run)
    agent.kill()
    (vm.folder(run) / "outputs" / "go").touch()
    done = Followed(vm.agent().stream("runs.follow", run=run))
    assert done.text == "done\n" and done.result["state"] == "completed"


def test_kill_9_of_the_supervisor_is_written_once_and_leaves_nothing_running(vm: VM) -> None:
    agents = [vm.agent(), vm.agent()]
    seconds = f"300.{os.getpid()}{vm.is_root:d}"
    run = vm.start(agents[0], f"setsid sleep {seconds} & sleep {seconds}")
    line = running(vm, run)
    until(lambda: listed(f"sleep {seconds}"), "the job")
    following: list[Followed] = []
    reader = threading.Thread(target=lambda: following.append(Followed(agents[0].stream("runs.follow", run=run))))
    reader.start()
    os.kill(line["pid"], signal.SIGKILL)
    readers = [threading.Thread(target=agent.call, args=("runs.show",), kwargs={"run": run}) for agent in agents * 6]
    for thread in readers:
        thread.start()
    for thread in [*readers, reader]:
        thread.join(20)
    until(lambda: not listed(f"sleep {seconds}"), "the sandbox's end", 5)
    assert [state["state"] for state in vm.states(run)] == ["created", "preparing", "running", "lost"]
    assert "supervisor" in vm.states(run)[-1]["reason"]
    assert following[0].result["state"] == "lost"
    assert not any(processes.alive(*identity) for identity in line["sandbox"])


def test_a_second_create_finds_the_first_even_at_the_same_time(vm: VM) -> None:
    agents = [vm.agent() for _ in range(3)]
    job = vm.job("echo started >> outputs/count; while [ ! -e outputs/go ]; do sleep 0.02; done")
    answers: list[dict[str, Any]] = []

    def create(agent: AgentProcess) -> None:
        answers.append(agent.call("runs.create", run=job["run"], job=job, policy=policy.for_job(data=False)))

    threads = [threading.Thread(target=create, args=(agent,)) for agent in agents * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    running(vm, job["run"])
    create(agents[0])
    (vm.folder(job["run"]) / "outputs" / "go").touch()
    Followed(agents[1].stream("runs.follow", run=job["run"]))
    create(agents[2])
    assert [answer["existed"] for answer in answers].count(False) == 1 and len(answers) == 14
    assert answers[-1]["state"] == "completed"
    assert (vm.folder(job["run"]) / "outputs" / "count").read_text() == "started\n"
    assert [state["state"] for state in vm.states(job["run"])] == ["created", "preparing", "running", "completed"]


def test_a_run_whose_maker_died_before_the_supervisor_started_is_started_by_the_next_create(one_vm: VM) -> None:
    job = one_vm.job("echo once")
    allowed = policy.for_job(data=False)
    lock = runs._make(str(one_vm.root), str(one_vm.folder(job["run"])), job, allowed)
    assert lock is not None
    os.close(lock)  # as the death of its maker does
    agent = one_vm.agent()
    assert agent.call("runs.create", run=job["run"], job=job, policy=allowed)["existed"]
    assert Followed(agent.stream("runs.follow", run=job["run"])).text == "once\n"


@pytest.mark.parametrize("maker", ["dead", "hung"])
def test_a_run_that_nobody_has_begun_is_cancelled_at_once_and_for_good(one_vm: VM, maker: str) -> None:
    job = one_vm.job("echo ran")
    folder = one_vm.folder(job["run"])
    lock = runs._make(str(one_vm.root), str(folder), job, policy.for_job(data=False))
    assert lock is not None
    if maker == "dead":
        os.close(lock)
    agent = one_vm.agent()
    began = time.monotonic()
    assert agent.call("runs.cancel", run=job["run"]) == {"state": "cancelled"}
    assert time.monotonic() - began < runs.CANCEL_WAIT / 4
    assert agent.call("runs.create", run=job["run"], job=job, policy=policy.for_job(data=False))["existed"]
    if maker == "hung":  # and comes to life again
        spawn.supervisor(str(one_vm.root), job["run"], str(folder), lock)
        until(lambda: _free(folder), "the supervisor's end")
    assert [state["state"] for state in one_vm.states(job["run"])] == ["created", "cancelled"]
    assert (folder / "passed.log").read_bytes() == b""


def _free(folder: Path) -> bool:
    lock = runfolder.take(str(folder))
    if lock is not None:
        os.close(lock)
    return lock is not None


def test_a_run_of_another_boot_is_lost_and_its_old_pids_are_left_alone(one_vm: VM) -> None:
    job = one_vm.job("true")
    folder = one_vm.folder(job["run"])
    lock = runs._make(str(one_vm.root), str(folder), job, policy.for_job(data=False))
    assert lock is not None
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        before = States(str(folder), boot_id=lambda: "an-earlier-boot")
        before.append(["created"], "preparing")
        before.append(["preparing"], "running", sandbox=[processes.identity(bystander.pid)])
        os.close(lock)
        assert one_vm.agent().call("runs.show", run=job["run"])["state"] == "lost"
        assert "restarted" in one_vm.states(job["run"])[-1]["reason"]
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_cancel_ends_a_tree_that_ignores_sigterm(one_vm: VM) -> None:
    seconds = f"301.{os.getpid()}"
    command = f"trap '' TERM; (trap '' TERM; setsid sleep {seconds}; sleep 60) & sleep 60; sleep 60"
    run = one_vm.start(one_vm.agent(), command)
    running(one_vm, run)
    until(lambda: listed(f"sleep {seconds}"), "the job")
    other = one_vm.agent()
    began = time.monotonic()
    assert other.call("runs.cancel", run=run) == {"state": "cancelled"}
    assert 8 < time.monotonic() - began < 16
    assert not listed(f"sleep {seconds}")
    again = other.call("runs.cancel", run=run)
    assert again == {"state": "cancelled", "ended_before": one_vm.states(run)[-1]["time"]}
    assert [state["state"] for state in one_vm.states(run)].count("cancelled") == 1


def test_cancel_lets_a_job_that_listens_tidy_up(vm: VM) -> None:
    run = vm.start(vm.agent(), "trap 'echo tidy; exit 5' TERM; echo ready; while true; do sleep 0.1; done")
    until(lambda: (vm.folder(run) / "passed.log").read_bytes() == b"ready\n", "the trap")
    began = time.monotonic()
    assert vm.agent().call("runs.cancel", run=run) == {"state": "cancelled"}
    assert time.monotonic() - began < 5
    assert (vm.folder(run) / "passed.log").read_text().startswith("ready\n")
    assert "tidy\n" in (vm.folder(run) / "passed.log").read_text()


def test_a_cancel_at_any_moment_of_the_start_ends_the_run(one_vm: VM) -> None:
    agent = one_vm.agent()
    for delay in (0, 0.02, 0.05, 0.08, 0.1, 0.15):
        run = one_vm.start(agent, "exec sleep 60")
        time.sleep(delay)
        assert agent.call("runs.cancel", run=run) == {"state": "cancelled"}, delay


def test_a_job_that_takes_more_memory_than_allowed_is_ended_with_the_reason(one_vm: VM) -> None:
    agent = one_vm.agent()
    job = one_vm.job(f"exec {PYTHON} -c 'import time; held = bytearray(b\"x\" * (300 << 20)); time.sleep(60)'")
    limited = {**policy.for_job(data=False), "memory_bytes": 100 << 20}
    agent.call("runs.create", run=job["run"], job=job, policy=limited)
    result = Followed(agent.stream("runs.follow", run=job["run"])).result
    assert result["state"] == "failed" and result["reason"].startswith("out of memory")


def test_a_log_has_a_limit_that_its_reader_sees_and_the_run_goes_on(one_vm: VM) -> None:
    agent = one_vm.agent()
    job = one_vm.job("yes 0123456789abcdef | head -c 3000000; echo unseen; echo done > outputs/mark; exit 4")
    limited = {**policy.for_job(data=False), "log_bytes": 100_000}
    agent.call("runs.create", run=job["run"], job=job, policy=limited)
    done = Followed(agent.stream("runs.follow", run=job["run"]))
    assert done.result["exit_code"] == 4 and (one_vm.folder(job["run"]) / "outputs" / "mark").read_text() == "done\n"
    kept, line = done.log[:100_000], done.text[100_000:].strip().splitlines()
    assert kept == (b"0123456789abcdef\n" * 6000)[:100_000]
    assert len(line) == 1 and "limit of 100000 bytes" in line[0] and "the run goes on" in line[0]
    assert (one_vm.folder(job["run"]) / "raw.log").read_bytes() == done.log


def test_a_log_that_just_fits_is_whole(one_vm: VM) -> None:
    agent = one_vm.agent()
    job = one_vm.job("printf 0123456789")
    agent.call("runs.create", run=job["run"], job=job, policy={**policy.for_job(data=False), "log_bytes": 10})
    assert Followed(agent.stream("runs.follow", run=job["run"])).log == b"0123456789"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts a small disk in a namespace of its own")
def test_a_full_disk_ends_the_run_and_its_last_state_is_written(one_vm: VM) -> None:
    folder = one_vm.root / "runs"
    folder.mkdir()
    script = f'mount -t tmpfs -o size=2m tmpfs {folder} && exec "$@"'
    one_vm.prefix = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"]
    agent = one_vm.agent()
    done = one_vm.run(agent, "yes 0123456789abcdef")
    assert done.result["state"] == "failed" and "disk" in done.result["reason"]
    assert done.log.startswith(b"0123456789abcdef\n") and len(done.log) > 100_000
    one_vm.prefix = []


def test_a_job_that_cannot_start_is_refused_before_anything_is_made(one_vm: VM) -> None:
    agent = one_vm.agent()
    allowed = policy.for_job(data=True)
    missing = {"digest": "0" * 64, "path": "", "kind": "uri_folder"}
    digest = one_vm.data({"a": b"1"})
    leaving = {"digest": digest, "path": "../../../", "kind": "uri_folder"}
    for field, given in (
        ("inputs", {"x": missing}),
        ("inputs", {"x": leaving}),
        ("inputs", {"../x": {"digest": digest, "path": "", "kind": "uri_folder"}}),
        ("snapshot", "0" * 64),
        ("environment", "../x"),
        ("command", " "),
        ("env", {"A=B": "1"}),
    ):
        job = {**one_vm.job("true"), field: given}
        with pytest.raises(errors.RemoteError):
            agent.call("runs.create", run=job["run"], job=job, policy=allowed)
    job = one_vm.job("true")
    with pytest.raises(errors.SandboxError, match="never both"):
        agent.call("runs.create", run=job["run"], job=job, policy={**allowed, "network": True})
    with pytest.raises(errors.RunError, match="not a run's id"):
        agent.call("runs.create", run="../../x", job=job, policy=allowed)
    assert agent.call("runs.list") == {"runs": []}


def test_a_run_that_is_not_there_is_an_error(one_vm: VM) -> None:
    for op in ("runs.show", "runs.follow", "runs.cancel"):
        with pytest.raises(errors.RunError, match="no run"):
            one_vm.agent().call(op, run=new_ulid())


def test_the_lock_of_a_run_is_free_when_it_has_ended(one_vm: VM) -> None:
    agent = one_vm.agent()
    run = one_vm.start(agent, "true")
    Followed(agent.stream("runs.follow", run=run))
    until(lambda: _free(one_vm.folder(run)), "the supervisor's end", 5)


def test_the_first_line_of_a_warm_launch_comes_as_soon_as_its_sandbox_allows(one_vm: VM) -> None:
    """Each beside a sandbox that is started by hand, at the same time: the machine may be busy."""
    agent = one_vm.agent()
    took, by_hand = [], []
    for _ in range(3):
        began = time.monotonic()
        one_vm.sandboxed(["/bin/echo", "here"])
        by_hand.append(time.monotonic() - began)
        began = time.monotonic()
        for message in agent.stream("runs.follow", run=one_vm.start(agent, "echo here")):
            if isinstance(message, bytes):
                took.append(time.monotonic() - began)
    assert min(took) < 5 * min(by_hand), (took, by_hand)


def test_cancel_ends_a_run_whose_supervisor_does_nothing_any_more(one_vm: VM, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = f"301.{os.getpid()}"
    run = one_vm.start(one_vm.agent(), f"sleep {seconds}")
    line = running(one_vm, run)
    until(lambda: listed(f"sleep {seconds}"), "the job")
    os.kill(line["pid"], signal.SIGSTOP)
    monkeypatch.setattr(runs, "CANCEL_WAIT", 0.3)
    call: Any = SimpleNamespace(root=str(one_vm.root), wait=time.sleep)
    assert runs.cancel(call, run) == {"state": "cancelled"}
    assert [state["state"] for state in one_vm.states(run)] == ["created", "preparing", "running", "cancelled"]
    until(lambda: not listed(f"sleep {seconds}"), "the sandbox's end", 5)
    assert not processes.alive(line["pid"], line["start"])


def test_a_job_cannot_speak_for_the_first_process_of_its_sandbox(vm: VM) -> None:
    script = (
        "import ctypes, os, socket\nfound = []\n"
        "for name in ('fd', 'mem', 'environ'):\n"
        "    try:\n        os.listdir('/proc/1/fd') if name == 'fd' else open('/proc/1/' + name, 'rb').read(1)\n"
        "        found.append('open')\n    except PermissionError:\n        found.append('closed')\n"
        "libc, pidfd = ctypes.CDLL(None, use_errno=True), os.pidfd_open(1)\n"
        "taken = [libc.syscall(438, pidfd, fd, 0) for fd in range(3, 12)]\n"  # pidfd_getfd(2)
        "for fd in taken:\n    if fd >= 0:\n        socket.socket(fileno=fd).send(b'exit 0\\n')\n"
        "print(found, max(taken))\nraise SystemExit(3)\n"
    )
    done = vm.run(vm.agent(), f"{PYTHON} -c {shlex.quote(script)}")
    assert done.text == "['closed', 'closed', 'closed'] -1\n"
    assert done.result["exit_code"] == 3
