"""paramiko is heavy: it is imported at the first connect, and only what of it is used."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import core.ssh.connection, core.ssh.link, core.ssh.probe
assert "paramiko" not in sys.modules, "imported too early"
from core.ssh.lazy import load
assert load("session").open_session
assert "paramiko" in sys.modules
assert "invoke" not in sys.modules
import invoke
assert invoke.__version__
"""


def test_paramiko_comes_with_the_first_connect_and_without_invoke() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
