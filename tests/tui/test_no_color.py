"""NO_COLOR: not one colour reaches the terminal, and what is chosen or has the focus can still be seen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from rich.segment import Segment

from tests.fakes.script import Scenario

from .walk import Walk, walking

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20
SGR = re.compile(rb"\x1b\[([0-9;:]*)m")
STYLES = {0, 1, 2, 3, 4, 5, 7, 8, 9, 21, 22, 23, 24, 25, 27, 28, 29, 51, 52, 53, 54, 55}


@pytest.fixture(autouse=True)
def no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


class Pty:
    """The program in a terminal of 80×24: every byte that it writes."""

    def __init__(self) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        env = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        words = [sys.executable, "-m", "tests.fakes.app", "host_key=unknown"]
        self.process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=env)
        os.close(theirs)
        self.written = b""

    def until(self, text: str) -> None:
        end, begin = monotonic() + PATIENCE_S, len(self.written)
        while text not in re.sub(rb"\x1b\[[0-?]*[ -/]*[@-~]", b"", self.written[begin:]).decode(errors="replace"):
            ready, _, _ = select.select([self.ours], [], [], max(0.0, end - monotonic()))
            assert ready, f"{text!r} did not appear"
            self.written += os.read(self.ours, 65536)

    def keys(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def end(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self.ours)


@pytest.fixture
def terminal(home: Path) -> Iterator[Pty]:
    terminal = Pty()
    yield terminal
    terminal.end()


def test_the_bytes_sent_to_the_terminal_set_no_colour(terminal: Pty) -> None:
    for keys, seen in (
        ("", "Press Enter to connect"),
        ("\r", "Is this the right VM?"),
        ("yes\r", "Connected to"),
        ("2\r", "1 fail"),
        ("3\r", "The path holds"),
        ("5", "completed"),
        ("/", "search the log"),
        ("gradient\r", "of 80"),
        ("?", "Keys of Watch"),
        ("\x10", "Search for commands"),
    ):
        terminal.keys(keys)
        terminal.until(seen)
    sets = {part for found in SGR.findall(terminal.written) for part in re.split(rb"[;:]", found)}
    assert {int(part or 0) for part in sets} <= STYLES
    assert b"7" in sets, "reverse marks what is chosen"
    assert not re.search(rb"\x1b\](?!22;)", terminal.written), "no colour by OSC either; 22 is the pointer's shape"


def _coloured(walk: Walk) -> list[Segment]:
    strips = walk.app.screen._compositor.render_strips()
    segments = [segment for strip in strips for segment in strip if segment.style is not None]
    return [segment for segment in segments if segment.style.color or segment.style.bgcolor]  # type: ignore[union-attr]


@pytest.mark.parametrize("theme", ["trainshed-dark", "trainshed-light"])
async def test_no_screen_has_a_colour(theme: str) -> None:
    async with walking(Scenario(broken_link="data.tls"), theme=theme) as walk:
        for keys in (["enter"], ["2", "enter"], ["3", "enter"], ["4", "enter"], ["5", "enter"], ["6"], ["c"]):
            await walk.press(*keys)
            walk.app.notify("said")
            await walk.pilot.pause()
            assert not _coloured(walk), keys
        assert "✗" in walk.screen_text()


def _marked(walk: Walk, attribute: str) -> str:
    strips = walk.app.screen._compositor.render_strips()
    styled = [segment for strip in strips for segment in strip if segment.style is not None]
    return "|".join(segment.text for segment in styled if getattr(segment.style, attribute))


async def test_focus_selection_and_place_can_be_seen_without_colours() -> None:
    async with walking() as walk:
        assert "| Connect " in _marked(walk, "reverse")  # the button that Enter presses
        assert "1 Connect" in _marked(walk, "reverse")  # the rail
        walk.pane.query_one("#target").focus()
        await walk.pilot.pause()
        assert "stackvm" in _marked(walk, "bold")
        await walk.press("escape", "2", "enter")
        assert "Passwords are refused" in _marked(walk, "reverse")
        await walk.press("5", "enter", "slash", *"gradient", "enter")
        assert "gradient" in _marked(walk, "reverse")


async def test_an_empty_no_color_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    async with walking() as walk:
        colours = {segment.style.color.triplet for segment in _coloured(walk) if segment.style and segment.style.color}
        assert any(found and max(found) - min(found) > 40 for found in colours), "it is not grey"
