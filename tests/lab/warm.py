"""A Python that has imported MLflow and scikit-learn: each script runs in a fork of it, so that this is done once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

FORKS = """
import json, os, sys
import mlflow, mlflow.sklearn, sklearn.linear_model
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
os.dup2(os.open(asked["out"], os.O_WRONLY), 1)
os.dup2(os.open(asked["err"], os.O_WRONLY), 2)
os.chdir(asked["cwd"])
os.environ.clear()
os.environ.update(asked["env"])
exec(compile(asked["code"], "<script>", "exec"), {"__name__": "__main__"})
"""


class Warm:
    """`python`: whose MLflow it is; `env`: what that has to see as it is imported."""

    def __init__(self, python: str, env: Mapping[str, str]) -> None:
        self.python = python
        self._process = subprocess.Popen(
            [python, "-c", FORKS],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, code: str, env: Mapping[str, str]) -> str:
        """stdout of a script that has to succeed, in an empty folder and with these variables alone."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            out, err, cwd = (Path(folder) / name for name in ("out", "err", "cwd"))
            out.touch()
            err.touch()
            cwd.mkdir()
            asked = {"code": code, "env": dict(env), "out": str(out), "err": str(err), "cwd": str(cwd)}
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            assert self._process.stdout.readline() == "0\n", out.read_text() + err.read_text()
            return out.read_text()

    def close(self) -> None:
        """Ends a script that still runs, too."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
