"""What users of other runners complained about and no other test here would notice: see tests/complaints.py."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from core.agent import processes, runfolder, summary
from core.agent.states import States

from .test_runner import running, until
from .vm import PYTHON, VM, Followed, new_ulid, one_vm, vm

__all__ = ["one_vm", "vm"]

MIB = 1 << 20


def size(root: Path) -> dict[str, int]:
    return {
        os.path.join(base, name): os.path.getsize(os.path.join(base, name))
        for base, _, names in os.walk(root)
        for name in names
    }


def listening() -> dict[str, int]:
    """inode -> port of every TCP socket that listens on this machine (proc(5), /proc/net/tcp)."""
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[9]: int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}


def sockets(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(FileNotFoundError):  # it has ended meanwhile
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(handle).removeprefix("socket:[").rstrip("]"))
    return found


def peak_bytes(pid: int) -> int:
    """The most memory that the process ever held (proc(5): VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def test_reading_a_log_leaves_nothing_on_the_vm(one_vm: VM) -> None:
    agent = one_vm.agent()
    run = one_vm.start(agent, "seq 100000")
    Followed(agent.stream("runs.follow", run=run))
    before = size(one_vm.root)
    for _ in range(5):
        Followed(one_vm.agent().stream("runs.follow", run=run))
    assert size(one_vm.root) == before


def test_nothing_of_a_run_listens_on_the_vm(vm: VM) -> None:
    run = vm.start(vm.agent(), f"{PYTHON} -m http.server 5001 & while [ ! -e outputs/go ]; do sleep 0.02; done")
    pid = running(vm, run)["pid"]
    until(lambda: b"5001" in (vm.folder(run) / "raw.log").read_bytes(), "the job's own server")
    found = listening()
    assert not any(port == 5001 for port in found.values()), "what a job listens on stays in its sandbox"
    assert not found.keys() & {inode for each in [pid, *processes.tree(pid)] for inode in sockets(each)}
    (vm.folder(run) / "outputs" / "go").touch()


def test_a_long_log_is_in_nobodys_memory(one_vm: VM) -> None:
    agent = one_vm.agent()
    run = one_vm.start(
        agent, "while [ ! -e outputs/go ]; do sleep 0.02; done; seq -w 0 30000000 | head -c 200M; sleep 60"
    )
    pid = running(one_vm, run)["pid"]
    small = peak_bytes(pid)
    (one_vm.folder(run) / "outputs" / "go").touch()
    passed = one_vm.folder(run) / "passed.log"
    until(lambda: passed.stat().st_size == 200 * MIB, "the whole log", 60)
    assert peak_bytes(pid) - small < 24 * MIB
    read = 0
    following = agent.stream("runs.follow", run=run)
    for message in following:
        read += len(message) if isinstance(message, bytes) else 0
        if read == 200 * MIB:
            break
    following.close()  # type: ignore[attr-defined]
    assert read == 200 * MIB and peak_bytes(agent.process.pid) < 96 * MIB
    agent.call("runs.cancel", run=run)


@pytest.mark.parametrize(
    ("command", "log", "state"),
    [
        ("printf 'no newline'; kill -9 $$", b"no newline", "failed"),
        ("printf 'half \\303'; exit 0", b"half \xc3", "completed"),
        ("echo first; exec >&- 2>&-; sleep 0.3; exit 0", b"first\n", "completed"),
        ("(sleep 0.2; echo child) & echo parent; wait", b"parent\nchild\n", "completed"),
        ("head -c 3000000 /dev/zero | tr '\\0' x; exit 3", b"x" * 3_000_000, "failed"),
    ],
    ids=["killed in a line", "half a character", "closed its output", "a child writes later", "much and at once"],
)
def test_the_last_words_arrive_however_a_job_ends(one_vm: VM, command: str, log: bytes, state: str) -> None:
    done = one_vm.run(one_vm.agent(), command)
    assert done.log == log and done.result["state"] == state


def test_a_progress_bar_is_seen_while_its_line_grows(one_vm: VM) -> None:
    agent = one_vm.agent()
    run = one_vm.start(agent, "printf '\\r 10%%'; while [ ! -e outputs/go ]; do sleep 0.02; done; printf '\\r 20%%'")
    seen = b""
    for message in agent.stream("runs.follow", run=run):
        seen += message if isinstance(message, bytes) else b""
        if seen == b"\r 10%":
            (one_vm.folder(run) / "outputs" / "go").touch()  # it goes on only once its reader has seen that
    assert seen == b"\r 10%\r 20%"


def test_a_run_that_was_just_made_is_never_lost_or_failed(vm: VM) -> None:
    agents = [vm.agent(), vm.agent()]
    for _ in range(15):
        run = vm.start(agents[0], "true")
        states = [agents[1].call("runs.show", run=run)["state"] for _ in range(20)]
        assert set(states) <= {"created", "preparing", "running", "completed"}, states


def test_listing_takes_as_much_longer_as_there_are_more_runs(tmp_path: Path) -> None:
    """In the processor's time: the clock of a busy machine says nothing."""

    def cost(folders: list[str]) -> float:
        began = time.process_time()
        for folder in folders:
            summary.info(folder)
        return time.process_time() - began

    def finished(number: int) -> str:
        folder = tmp_path / "runs" / new_ulid()
        folder.mkdir(parents=True)
        job: dict[str, Any] = {"run": folder.name, "name": "n", "experiment": "e", "command": "c", "created": number}
        (folder / "job.json").write_text(json.dumps(job))
        (folder / "policy.json").write_text("{}")
        for name in (runfolder.RAW, runfolder.PASSED):
            (folder / name).touch()
        states = States(str(folder))
        for expected, state in (("", "created"), ("created", "running"), ("running", "completed")):
            states.append([expected], state)
        return str(folder)

    folders = [finished(number) for number in range(1000)]
    cost(folders[:100])
    few, many = min(cost(folders[:100]) for _ in range(5)), min(cost(folders) for _ in range(3))
    assert many < 20 * few, (few, many)
