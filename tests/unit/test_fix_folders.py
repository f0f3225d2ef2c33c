"""The folders of fixes on the VM, and which server a revert tells to read its files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from core.agent import fix_undo, revert
from tests.lab.machine import until


def folder(state: Path, number: int, *, decided: str = revert.KEPT, armed: tuple[str, ...] = ()) -> Path:
    made = state / f"fix-{number}"
    made.mkdir(parents=True)
    (made / decided).touch()
    (made / revert.MANIFEST).write_text(json.dumps({"made": 1e9 - number, "armed": armed, "undoes": ""}))
    return made


def test_only_the_last_fixes_stay_and_none_goes_that_waits_or_cannot_be_read(tmp_path: Path) -> None:
    state, unit = tmp_path / "fixes", tmp_path / "unit"
    fix_undo.forget_old(str(state))  # nothing was fixed yet
    unit.touch()
    ends = (revert.KEPT, revert.REVERTED, fix_undo.UNDONE)
    made = [folder(state, number, decided=ends[number % 3]) for number in range(fix_undo.MOST + 3)]
    kept = [
        folder(state, 90, decided=revert.PENDING),
        folder(state, 91, armed=(str(tmp_path / "gone"), str(unit))),
        folder(state, 92),
    ]
    (kept[2] / revert.MANIFEST).write_text("{")
    fix_undo.forget_old(str(state))
    assert {path.name for path in state.iterdir()} == {path.name for path in [*made[: fix_undo.MOST], *kept]}


def shows(pid: int, title: bytes) -> bool:
    return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(title)


TITLES = ("/usr/sbin/sshd -D -f /etc/other", "/usr/sbin/sshd -D", "/usr/sbin/sshd -D -o X=y")


@pytest.fixture
def pids(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Processes with the titles of servers of OpenSSH, and one that has its plain command."""
    with ExitStack() as running:
        found = []
        for title in [*(f"sshd: {title} [listener] 0 of 10-100 startups" for title in TITLES), "/usr/sbin/sshd"]:
            words = ["-c", 'exec -a "$0" sleep 60', title]
            process = running.enter_context(subprocess.Popen(["bash", *words], stdin=subprocess.DEVNULL))
            running.callback(process.kill)
            until(partial(shows, process.pid, os.fsencode(title)))
            found.append(process.pid)
        monkeypatch.setattr(revert, "listeners", lambda port, address: found)
        yield found


@pytest.mark.parametrize(
    ("argv", "chosen"),
    [
        (["/usr/sbin/sshd", "-D"], [1]),
        (["/usr/sbin/sshd", "-D", "-f", "/etc/other"], [0]),
        (["/usr/sbin/sshd", "-D", "-p", "22"], [0, 1, 2, 3]),  # none shows it: it was started otherwise since
    ],
)
def test_a_revert_tells_the_server_that_was_fixed_and_no_other_on_the_port(
    pids: list[int], argv: list[str], chosen: list[int]
) -> None:
    assert revert.ours({"port": 22, "address": "127.0.0.1", "argv": argv}) == [pids[at] for at in chosen]


def test_a_server_without_a_title_is_told_by_its_command(pids: list[int]) -> None:
    assert revert.ours({"port": 22, "address": "127.0.0.1", "argv": ["/usr/sbin/sshd", "60"]}) == pids[3:]
