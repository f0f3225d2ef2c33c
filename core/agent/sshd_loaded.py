"""Whether the server has read its files since they were changed: it reads them when it starts, or is told to reload."""

from __future__ import annotations

import os
import time
from typing import Dict, List

from . import sshd_files
from .sshd import Listener

AHEAD_S = 1.0  # a time that is later than this from now is no time


def unread(server: Listener, config: Dict[str, List[str]], file: str) -> List[str]:
    """Files of the configuration that were written after that, and folders of it that a file came into, or went from.

    None are told where there is no PidFile of this server: sshd writes it at each start and reload.
    """
    try:
        path = (config.get("pidfile") or [""])[0]
        with open(path, encoding="ascii") as written:
            if int(written.read()) != server.pid:
                return []
        now = time.time()
        read_at = _read_at(server, os.stat(path).st_mtime, now)
        found = [path for path in _paths(file) if read_at < os.stat(path).st_mtime <= now + AHEAD_S]
        explained = {os.path.dirname(path) for path in found}
        return [path for path in found if path not in explained]
    except (OSError, ValueError):
        return []


def _read_at(server: Listener, written: float, now: float) -> float:
    """Never before its process started, by today's clock: the one that the VM had then may have been wrong."""
    ticks = server.started / os.sysconf("SC_CLK_TCK")
    started = now - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks if server.started else 0.0
    return max(started, written if written <= now + AHEAD_S else 0.0)


def _paths(file: str) -> List[str]:
    """Files, and the folders of drop-ins: that of the server's own file has much else in it."""
    own = os.path.dirname(os.path.realpath(file))
    entries = sshd_files.config_files(file)
    kept = [entry["path"] for entry in entries if not entry["folder"] or os.path.realpath(entry["path"]) != own]
    return list(dict.fromkeys(kept))
