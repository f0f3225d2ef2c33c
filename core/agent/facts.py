"""Facts about the VM, in one round trip."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import socket
import subprocess
import time
from typing import Any

from .call import Call
from .docker_api import Docker


def facts(call: Call, client_time: float) -> dict[str, Any]:
    """`client_time`: the client's clock when it asked; the skew includes half a round trip.

    `took_s` is what of the call was spent here: the rest is the round trip.
    """
    skew, began = time.time() - client_time, time.monotonic()
    from . import confine, sandbox

    root = call.root
    disk = shutil.disk_usage(root)
    engine, reason = sandbox.available()
    return {
        "hostname": socket.gethostname(),
        "user": getpass.getuser(),
        "os": _os_name(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "disk_free_bytes": disk.free,
        "disk_total_bytes": disk.total,
        "python": platform.python_version(),
        "gpus": _gpus(),
        "docker": Docker().usable()[0],
        "bwrap": _first_line(["bwrap", "--version"]).replace("bubblewrap ", ""),
        "sandbox": engine,
        "sandbox_reason": reason or confine.lacking(),
        "clock_skew_s": skew,
        "took_s": time.monotonic() - began,
    }


def _os_name() -> str:
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            pairs = dict(line.rstrip().split("=", 1) for line in file if "=" in line)
        return pairs.get("PRETTY_NAME", platform.system()).strip('"')
    except OSError:
        return platform.system()


def _gpus() -> list[str]:
    text = output(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"])
    return [line.strip() for line in text.splitlines() if line.strip()]


def _first_line(command: list[str]) -> str:
    return (output(command).splitlines() or [""])[0].strip()


def output(command: list[str]) -> str:
    """The output, or "" where the program is missing, fails or takes longer than 5 s."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""
