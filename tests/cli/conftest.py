"""The command line over fake services, in this process; and the real program, in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.site import files
from tests.fakes.script import Scenario
from tests.fakes.services import fake_services
from tui.cli import call
from tui.settings import Settings

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def ward(home: Path) -> Path:
    """The site `ward-7`, the only one that is known."""
    return files.write_new(
        "ward-7", "stackvm", host="203.0.113.10", port=22, user="azureuser", identity=None, host_key=None
    )


@pytest.fixture
def fake(ward: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line over fake services; `scenario` says what they do."""

    def run(*words: str, scenario: Scenario | None = None) -> Said:
        code = call(words, Settings(opener=lambda _site: fake_services(scenario)))
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


def start(words: Sequence[str], home: Path, cwd: Path = ROOT, **environment: str) -> subprocess.Popen[str]:
    """The real program, in a session of its own (it has no terminal to ask on), with pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "tui.cli", *words],
        cwd=cwd,
        env={**os.environ, "TRAINSHED_HOME": str(home), "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def program(home: Path) -> Run:
    """Runs the real program to its end."""

    def run(*words: str, cwd: Path = ROOT, **environment: str) -> Said:
        process = start(words, home, cwd, **environment)
        out, err = process.communicate(timeout=60)
        return Said(process.returncode, out, err)

    return run
