"""What a sandbox's first process says is believed once, and takes no room."""

from __future__ import annotations

import socket
from pathlib import Path

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
