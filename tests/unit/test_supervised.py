"""What a sandbox's first process says is believed once, and takes no room."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from core.agent import resources
from core.agent.contained import Bwrap
from core.agent.output import Output
from core.agent.states import States
from core.agent.supervised import Supervised


class _Process:
    pid = 1
    returncode = -9


def _hearing(folder: Path) -> tuple[Bwrap, Supervised, socket.socket]:
    states = States(str(folder))
    states.append([""], "preparing")
    for name in ("raw.log", "passed.log"):
        (folder / name).touch()
    job = Bwrap({}, [], {}, "/", [])
    supervised = Supervised(str(folder), states, Output(str(folder)), -1, job)
    job._control, theirs = socket.socketpair()
    job._control.setblocking(False)
    job._process = _Process()  # type: ignore[assignment]
    job._tell = supervised._started
    return job, supervised, theirs


@pytest.mark.parametrize(
    ("said", "kills", "reason"),
    [
        (b"signal 9\n", 1, "out of memory: ended by signal 9 (SIGKILL), and the VM's kernel had none left"),
        (b"exit 137\n", 1, "out of memory: exit code 137, and the VM's kernel had none left"),
        (b"signal 9\n", 0, "ended by signal 9 (SIGKILL)"),
        (b"exit 1\n", 1, "exit code 1"),
    ],
)
def test_a_job_that_the_kernel_ended_for_want_of_memory_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes, kills: int, reason: str
) -> None:
    job, supervised, theirs = _hearing(tmp_path)
    theirs.send(b"started\n" + said)
    job.hear()
    before = resources.oom_kills()
    monkeypatch.setattr(resources, "oom_kills", lambda: before + kills)
    assert (supervised._outcome().state, supervised._outcome().reason) == ("failed", reason)


def test_the_first_end_counts_and_nonsense_is_not_kept(tmp_path: Path) -> None:
    job, supervised, theirs = _hearing(tmp_path)
    theirs.send(b"started\nexit 3\n")
    job.hear()
    for _ in range(50):
        theirs.send(b"\n" * 4000 + b"exit 0\nexit 99999999999\nsignal x\nstarted\n" + b"y" * 50)
        job.hear()
    assert supervised._exit_code() == 3
    assert (supervised._outcome().state, supervised._outcome().reason) == ("failed", "exit code 3")
    held = [value for value in vars(job).values() if isinstance(value, bytes | list)]
    assert sum(map(len, held)) <= 4096
    assert [line["state"] for line in States(str(tmp_path)).read()] == ["preparing", "running"]
