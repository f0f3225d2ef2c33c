"""Starts the process that owns a run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading


def supervisor(root: str, run: str, folder: str, lock: int) -> None:
    """A process in a session of its own; its descriptor 0 is the run's lock, held until it ends."""
    package = os.path.dirname(os.path.abspath(__file__))
    words = [sys.executable, "-sSEB", "-m", os.path.basename(package), "supervise", root, run]
    with open(os.path.join(folder, "supervisor.log"), "ab") as log:
        process = subprocess.Popen(
            words, cwd=os.path.dirname(package), stdin=lock, stdout=log, stderr=log, start_new_session=True
        )
    os.close(lock)
    threading.Thread(target=process.wait, daemon=True).start()
