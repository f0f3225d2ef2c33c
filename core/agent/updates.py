"""How the host is kept: updates, reboots that are due, its clock, what a logout ends."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Optional

from .hostfiles import Files

APT = re.compile(r'^\s*APT::Periodic::Unattended-Upgrade\s+"?([^";\s]*)', re.MULTILINE)
LOGIND = ("/etc/systemd/logind.conf", "/usr/lib/systemd/logind.conf.d/*.conf", "/etc/systemd/logind.conf.d/*.conf")
UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex


def updates(files: Files, user: str, program: str, started: int, sudo: List[str], skew_s: float) -> Dict[str, Any]:
    """`program`: of the listening sshd, `started`: when, in clock ticks since boot, 0 for not known. Raises OSError."""
    return {
        "unattended_upgrades": _unattended(files),
        "reboot_required": files.exists("/var/run/reboot-required") or files.exists("/run/reboot-required"),
        "sshd_stale": _stale(program, started),
        "clock_synchronised": _synchronised(files),
        "skew_s": skew_s,
        "linger": files.exists("/var/lib/systemd/linger/" + user),
        "kill_user_processes": _kills(files),
        "sudo_all": any(line.endswith("ALL") for line in sudo),
    }


def _unattended(files: Files) -> Optional[bool]:
    """None where there is no apt. The setting alone, which a fix can write, does nothing without the program."""
    if not files.exists("/etc/apt"):
        return None
    if not files.exists("/usr/bin/unattended-upgrade"):
        return False
    value = "0"
    for path in files.names("/etc/apt/apt.conf.d/*"):
        if not re.search(r"/[A-Za-z0-9_-]+(\.conf)?$", path):
            continue  # apt leaves it out too
        value = (APT.findall(files.text(path)) or [value])[-1]
    return value not in ("0", "")


def _kills(files: Files) -> bool:
    paths = [LOGIND[0], *files.names(LOGIND[1]), *files.names(LOGIND[2])]
    values = [found.get("KillUserProcesses") for found in map(files.settings, paths)]
    last = [value for value in values if value] or ["no"]
    return last[-1].lower() in ("yes", "true", "1", "on")


def _stale(program: str, started: int) -> Optional[bool]:
    """Whether its file was changed after it had started."""
    if not started:
        return None
    try:
        with open("/proc/stat", encoding="ascii") as file:
            boot = next(int(line.split()[1]) for line in file if line.startswith("btime"))
        changed = os.stat(program).st_ctime
    except (OSError, StopIteration):
        return None
    return changed > boot + started / os.sysconf("SC_CLK_TCK") + 2  # btime is whole seconds


def _synchronised(files: Files) -> Optional[bool]:
    """systemd-timesyncd leaves a file; else the kernel's clock knows. None where neither does."""
    if files.exists("/run/systemd/timesync/synchronized"):
        return True
    import ctypes

    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex((ctypes.c_char * 256)())
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != UNSYNCHRONISED
