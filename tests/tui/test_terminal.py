"""In a real terminal: a tmux session of 80×24, walked by keys."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed (system package tmux)")


class Terminal:
    """One tmux server of its own, ended with the test."""

    def __init__(self) -> None:
        self.socket = f"trainshed-{uuid.uuid4().hex[:8]}"

    def tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-L", self.socket, "-f", "/dev/null", *words], capture_output=True, text=True)
        return done.stdout

    def open(self, *program: str) -> None:
        env = [f"-e{name}={value}" for name, value in {"PYTHONPATH": str(ROOT), "TERM": "tmux-256color"}.items()]
        home = os.environ["TRAINSHED_HOME"]
        env.append(f"-eTRAINSHED_HOME={home}")
        size = ("-x", "80", "-y", "24")
        line = f"cd {ROOT} && {' '.join(program)}; echo ended with $?; exec sleep 60"
        self.tmux("new-session", "-d", *size, *env, line)

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def seen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def wait(self, text: str) -> str:
        end = monotonic() + PATIENCE_S
        while monotonic() < end:
            seen = self.seen()
            if text in seen:
                return seen
            sleep(0.05)  # a terminal cannot be waited on
        raise AssertionError(f"{text!r} did not appear:\n{self.seen()}")


@pytest.fixture
def terminal(home: Path) -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.tmux("kill-server")


def test_the_journey_by_keys_in_a_terminal(terminal: Terminal) -> None:
    terminal.open(sys.executable, "-m", "tests.fakes.app")
    terminal.wait("Press Enter to connect")
    terminal.keys("Enter")
    terminal.wait("Connected to 203.0.113.10")
    terminal.keys("2", "Enter")
    terminal.wait("1 fail")
    terminal.keys("3", "Enter")
    terminal.wait("The path holds")
    terminal.keys("Enter")
    terminal.wait("Staged on stackvm")
    terminal.keys("4", "Enter")
    terminal.wait("Press Enter to launch")
    terminal.keys("Enter")
    terminal.wait("The run goes on by itself")
    terminal.keys("5")
    seen = terminal.wait("✓ completed")
    assert "accuracy 0." in seen
    terminal.keys("6", "Enter")
    terminal.wait("Register: done")
    terminal.keys("Enter")
    terminal.wait("Package: done")
    terminal.keys("Enter")
    terminal.wait("Deploy: done")
    terminal.keys("Enter")
    seen = terminal.wait("it matches the label")
    assert all(len(line) <= 80 for line in seen.splitlines())
    terminal.keys("q")
    terminal.wait("ended with 0")


def test_a_log_cannot_change_the_title_or_clipboard(terminal: Terminal) -> None:
    terminal.open(sys.executable, "-m", "tests.fakes.app", "epochs=4")
    terminal.tmux("set-option", "-s", "set-clipboard", "on")
    terminal.wait("Press Enter to connect")
    terminal.keys("5", "Enter")
    seen = terminal.wait("warning: 2 columns are constant")
    assert "Log ·" in seen
    assert terminal.tmux("show-buffer") == ""


def test_a_megabyte_pasted_into_a_field_does_not_hang(terminal: Terminal, tmp_path: Path) -> None:
    terminal.open(sys.executable, "-m", "tests.fakes.app")
    terminal.wait("Press Enter to connect")
    large = tmp_path / "large"
    large.write_text("x" * 1_048_576)
    terminal.keys("BTab", "BTab")
    terminal.tmux("load-buffer", str(large))
    terminal.tmux("paste-buffer", "-p")
    terminal.wait("characters were pasted")
    terminal.keys("Escape")
    terminal.wait("q Quit")  # Escape and a key at once would be Alt and that key
    terminal.keys("2")
    terminal.wait("Nothing was checked yet")
