"""Removing folders that are closed to their owner, as those of staged data are, and what builds and runs leave."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from typing import Callable


def remove(folder: str) -> None:
    """As far as it can be. Links in it are removed, not followed."""
    open_up(folder)
    shutil.rmtree(folder, ignore_errors=True)


def open_up(folder: str, turn: Callable[[], object] = bool) -> None:
    """It and all below it can be emptied then, as far as they are the agent's. `turn`: called for each folder."""
    _open(folder)
    for base, folders, _ in os.walk(folder):
        turn()
        for name in folders:
            _open(os.path.join(base, name))


def _open(folder: str) -> None:
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(os.lstat(folder).st_mode):
            os.chmod(folder, 0o700)
