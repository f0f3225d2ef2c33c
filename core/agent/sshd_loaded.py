"""Whether the server has read its files since they were changed: it reads them when it starts, or is told to reload."""

from __future__ import annotations

import os
from typing import Dict, List

from . import sshd_files
from .sshd import Listener


def unread(server: Listener, config: Dict[str, List[str]], file: str) -> List[str]:
    """Files of the configuration that were written after that. None are told where there is no PidFile of this server.

    sshd writes its PidFile at each start and reload; the start of its process would not tell of a reload.
    """
    try:
        path = (config.get("pidfile") or [""])[0]
        with open(path, encoding="ascii") as written:
            if int(written.read()) != server.pid:
                return []
        read_at = os.stat(path).st_mtime_ns
        paths = [entry["path"] for entry in sshd_files.config_files(file) if not entry["folder"]]
        return [path for path in dict.fromkeys(paths) if os.stat(path).st_mtime_ns > read_at]
    except (OSError, ValueError):
        return []
