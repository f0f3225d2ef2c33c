"""Runs that wait for their turn, run out of time, and are measured: on a real agent, in real sandboxes."""

from __future__ import annotations

import os
import random
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from core.agent import processes
from core.sandbox import policy

from .agent_process import AgentProcess
from .test_runner import running, until
from .vm import PYTHON, VM, Followed, one_vm, vm

__all__ = ["one_vm", "vm"]


def start(vm: VM, agent: AgentProcess, command: str, slots: int = 1, **fields: Any) -> str:
    job = vm.job(command, **fields)
    agent.call("runs.create", run=job["run"], job=job, policy=policy.for_job(data=False, slots=slots))
    return str(job["run"])


def ended(vm: VM, agent: AgentProcess, run: str) -> dict[str, Any]:
    return Followed(agent.stream("runs.follow", run=run)).result


def waits(vm: VM, count: int) -> None:
    until(lambda: len(list((vm.root / "queue").glob("*-*"))) == count, f"{count} in the queue")


def test_runs_wait_for_the_slot_in_their_order_and_say_how_many_are_before_them(vm: VM) -> None:
    agent, gate = vm.agent(), "while ! test -e outputs/go; do sleep 0.05; done"
    runs = []
    for number in range(3):
        runs.append(start(vm, agent, gate))
        waits(vm, number + 1)
    running(vm, runs[0])
    listed = {info["run"]: (info["state"], info["ahead"]) for info in agent.call("runs.list")["runs"]}
    assert listed == {runs[0]: ("running", None), runs[1]: ("created", 1), runs[2]: ("created", 2)}
    follower = vm.agent().stream("runs.follow", run=runs[2])
    said = [message for message in (next(follower), next(follower)) if isinstance(message, dict)]
    assert [(each["event"], each.get("ahead")) for each in said] == [("state", None), ("queue", 2)]
    for run in runs:
        running(vm, run)
        (vm.folder(run) / "outputs" / "go").touch()
        assert ended(vm, agent, run)["state"] == "completed"
    begun = [next(line["time"] for line in vm.states(run) if line["state"] == "running") for run in runs]
    over = [vm.states(run)[-1]["time"] for run in runs]
    assert begun[1] >= over[0] and begun[2] >= over[1]
    assert os.listdir(vm.root / "queue") == ["lock"]


def test_one_that_waits_is_cancelled_at_once_and_holds_up_nobody(one_vm: VM) -> None:
    agent = one_vm.agent()
    first = start(one_vm, agent, "sleep 60")
    waits(one_vm, 1)
    second, third = start(one_vm, agent, "echo never"), ""
    waits(one_vm, 2)
    third = start(one_vm, agent, "echo third")
    waits(one_vm, 3)
    assert agent.call("runs.cancel", run=second) == {"state": "cancelled"}
    assert [line["state"] for line in one_vm.states(second)] == ["created", "cancelled"]
    agent.call("runs.cancel", run=first)
    assert ended(one_vm, agent, third)["state"] == "completed"


def test_one_that_waits_outlives_its_supervisor(one_vm: VM) -> None:
    agent = one_vm.agent()
    first = start(one_vm, agent, "while ! test -e outputs/go; do sleep 0.05; done")
    waits(one_vm, 1)
    second = start(one_vm, agent, "echo second")
    waits(one_vm, 2)
    processes.send(*(_supervisor(second) or (0, 0)), signal.SIGKILL)
    until(lambda: _supervisor(second) is None, "its end")
    shown = agent.call("runs.show", run=second)
    assert (shown["state"], shown["ahead"]) == ("created", 1)
    (one_vm.folder(first) / "outputs" / "go").touch()
    assert ended(one_vm, agent, second)["state"] == "completed"


def test_whoever_dies_gives_its_place_to_the_next(one_vm: VM) -> None:
    """Seeded kills of supervisors, waiting or running: never two at once, and all that live come to their turn."""
    rng = random.Random(20)
    agent = one_vm.agent()
    mark = "echo $$ > /job/outputs/begin; sleep 0.2; echo > /job/outputs/end"
    runs = []
    for number in range(8):
        runs.append(start(one_vm, agent, mark))
        waits(one_vm, number + 1) if number == 0 else None
    killed = rng.sample(runs[1:], 3)
    for run in killed:
        line = one_vm.states(run)[-1]
        found = _supervisor(run)
        if found is not None and line["state"] != "completed":
            processes.send(*found, signal.SIGKILL)
    for run in runs:
        result = ended(one_vm, agent, run)
        assert result["state"] == "completed" or (run in killed and result["state"] == "lost"), result
    spans = sorted(
        (next(line["time"] for line in states if line["state"] == "running"), states[-1]["time"])
        for states in map(one_vm.states, runs)
        if any(line["state"] == "running" for line in states) and states[-1]["state"] == "completed"
    )
    assert all(before[1] <= after[0] for before, after in pairwise(spans)), spans


def _supervisor(run: str) -> tuple[int, int] | None:
    for name in os.listdir("/proc"):
        try:
            words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0") if name.isdigit() else []
        except OSError:
            continue
        if b"supervise" in words and run.encode() in words:
            pid, begun = processes.identity(int(name))
            return pid, begun
    return None


def test_two_slots_are_two_at_once(one_vm: VM) -> None:
    agent = one_vm.agent()
    runs = [start(one_vm, agent, "sleep 60", slots=2) for _ in range(3)]
    until(lambda: [one_vm.states(run)[-1]["state"] for run in runs].count("running") == 2, "two that run")
    waits(one_vm, 3)
    (third,) = [run for run in runs if one_vm.states(run)[-1]["state"] == "created"]
    assert agent.call("runs.show", run=third)["ahead"] == 2


def test_a_job_that_asks_for_gpus_that_are_not_there_is_refused(one_vm: VM) -> None:
    with pytest.raises(Exception, match="9 GPUs, and this VM has"):
        start(one_vm, one_vm.agent(), "true", tags={"trainshed.gpus": "9"})


@pytest.mark.parametrize(
    ("command", "said"), [("trap 'echo tidy; exit 3' TERM; while :; do sleep 0.1; done", "tidy\n")]
)
def test_a_time_limit_ends_the_job_politely(vm: VM, command: str, said: str) -> None:
    done = vm.run(vm.agent(), command, timeout_s=1)
    assert (done.result["state"], done.result["reason"], done.result["exit_code"]) == ("failed", "time limit of 1 s", 3)
    assert done.text.endswith("tidy\n")


def test_a_time_limit_ends_a_job_that_ignores_it(one_vm: VM, monkeypatch: pytest.MonkeyPatch) -> None:
    done = one_vm.run(one_vm.agent(), "trap '' TERM; sleep 60 & sleep 60; sleep 60", timeout_s=1)
    assert (done.result["state"], done.result["reason"], done.result["exit_code"]) == (
        "failed", "time limit of 1 s", None
    )  # fmt: skip


def test_a_job_within_its_time_knows_nothing_of_it(one_vm: VM) -> None:
    assert one_vm.run(one_vm.agent(), "echo done", timeout_s=30).result["state"] == "completed"


def test_what_a_run_uses_is_measured(vm: VM) -> None:
    script = 'import time; held = bytearray(b"x" * (150 << 20)); end = time.time() + 3\nwhile time.time() < end: pass'
    burn = f"exec {PYTHON} -c '{script}'"
    agent = vm.agent()
    run = vm.start(agent, burn)
    seen = [message for message in agent.stream("runs.follow", run=run) if isinstance(message, dict)]
    samples = [message for message in seen if message.get("event") == "resources"]
    assert len(samples) >= 2
    last = samples[-1]
    assert last["memory"] > 150 << 20 and 0.3 < last["cpu"] < 2 and 0 < last["machine_cpu"] <= 1
    assert last["disk_free"] > 0 and last["machine_memory"] > last["memory"]
    info = agent.call("runs.show", run=run)
    assert info["peak_memory"] >= last["memory"] and info["cpu_s"] > 0.5


def test_a_job_gives_way_to_the_agent(vm: VM) -> None:
    done = vm.run(vm.agent(), "nice; cat /proc/self/oom_score_adj; renice -n 0 $$ 2>&1 | grep -c denied; nice")
    mine = str(min(19, os.nice(0) + 10))
    assert done.text.splitlines() == [mine, "500", "1", mine]
