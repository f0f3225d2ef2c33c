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

from core.agent import fix_undo, fix_write, revert
from core.agent.fix_plan import Mode
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


def test_a_folders_time_is_set_back_by_the_next_who_comes_where_somebody_was_killed_before_he_could(
    tmp_path: Path,
) -> None:
    """By that time it is told whether sshd has read its files; what others change meanwhile stays to be seen."""
    place, fix = tmp_path / "sshd_config.d", tmp_path / "fix"
    for made in (place, fix):
        made.mkdir()

    def killed(later_s: int = 0) -> tuple[int, int]:
        """The time before, and that which the next one leaves."""
        (place / "name").touch()
        os.utime(place, ns=(10**18, 10**18))
        held = revert.same_time(str(place), str(fix))
        held.__enter__()
        (place / "name").unlink()
        assert place.stat().st_mtime_ns != 10**18
        if later_s:
            later = place.stat().st_mtime_ns + later_s * 10**9
            os.utime(place, ns=(later, later))
        revert.time_back(str(fix))
        assert not list(fix.iterdir())
        after = place.stat().st_mtime_ns
        held.__exit__(None, None, None)
        return 10**18, after

    before, after = killed()
    assert after == before
    before, after = killed(later_s=5)
    assert after > before
    with revert.same_time(str(place), str(fix)):
        (place / "name").touch()
    assert place.stat().st_mtime_ns == before and not list(fix.iterdir())


def test_a_file_that_has_another_owner_than_the_plan_saw_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "authorized_keys"
    path.touch()
    path.chmod(0o644)
    mode = Mode(str(path), 0o644, 0o600, os.getuid())
    entry = fix_write.mode_entry(mode)
    with pytest.raises(OSError, match="changed since the plan"):
        fix_write.mode_entry(mode._replace(uid=mode.uid + 1))
    with pytest.raises(OSError, match="another file is there now"):
        fix_write.set_mode(mode, {**entry, "uid": mode.uid + 1})
    assert path.stat().st_mode & 0o777 == 0o644
    fix_write.set_mode(mode, entry)
    assert path.stat().st_mode & 0o777 == 0o600
