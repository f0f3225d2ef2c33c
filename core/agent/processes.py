"""Processes known by pid and start time, so that a pid used again is never taken for the old one."""

from __future__ import annotations

import os
import signal

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def boot_id() -> str:
    """Changes with every boot of the machine (random(4))."""
    with open(BOOT_ID, encoding="ascii") as file:
        return file.read().strip()


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, from `state` on (proc(5)). Raises OSError."""
    with open("/proc/%d/stat" % pid, "rb") as file:
        return file.read().decode(errors="replace").rpartition(")")[2].split()


def start_time(pid: int) -> int | None:
    """In clock ticks since boot; None where there is no such process, or it has ended and waits to be reaped."""
    try:
        fields = _stat(pid)
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def identity(pid: int) -> list[int]:
    """[pid, start time]; the start time is 0 where the process has gone already."""
    return [pid, start_time(pid) or 0]


def alive(pid: int, start: int) -> bool:
    return start_time(pid) == start


def children(pid: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if int(_stat(int(name))[1]) == pid:
                    found.append(int(name))
            except OSError:
                continue
    return found


def tree(pid: int) -> list[int]:
    """All descendants of `pid`."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(_stat(int(name))[1])
            except OSError:
                continue
    found, fresh = [], [pid]
    while fresh:
        fresh = [child for child, parent in parents.items() if parent in fresh]
        found.extend(fresh)
    return found


def in_cgroup(name: str) -> list[int]:
    """Those with `name` in the path of a control group (cgroups(7)), as those of a container have its id."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cgroup" % pid, encoding="utf-8", errors="replace") as file:
                if name in file.read():
                    found.append(int(pid))
        except OSError:
            continue
    return found


def memory_bytes(pids: list[int]) -> int:
    """What they hold together; shared pages are shared out (Pss) where the kernel tells."""
    return sum(_memory(pid) for pid in pids)


def _memory(pid: int) -> int:
    for name, key in (("smaps_rollup", b"Pss:"), ("status", b"RssAnon:")):
        try:
            with open("/proc/%d/%s" % (pid, name), "rb") as file:
                for line in file:
                    if line.startswith(key):
                        return int(line.split()[1]) * 1024
        except OSError:
            continue
    return 0


def cpu_ticks(pid: int) -> int:
    """Clock ticks that it used, with those of the children that it has reaped; 0 where it has gone."""
    try:
        return sum(int(field) for field in _stat(pid)[11:15])
    except OSError:
        return 0


def send(pid: int, start: int, number: int) -> bool:
    """Sends a signal to that very process; False where it has gone."""
    if not start or not alive(pid, start):
        return False
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end(identities: list[list[int]]) -> None:
    """SIGKILL for each [pid, start time] that is still the same process."""
    for pid, start in identities:
        send(pid, start, signal.SIGKILL)
