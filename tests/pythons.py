"""Interpreters that a VM may have: the oldest that the agent promises to run on, where this machine has it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def oldest() -> str:
    """Python 3.8 (from PATH or pyenv), else the interpreter of the tests; vermin proves the syntax either way."""
    found = [str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.8.*/bin/python"))]
    named = shutil.which("python3.8")
    candidates = [*found, *([named] if named else [])]
    return next((python for python in candidates if _runs(python)), sys.executable)


def _runs(python: str) -> bool:
    """A shim of pyenv is there and does not run."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
