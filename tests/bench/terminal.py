"""A program in a pseudo-terminal: keys go in, what it draws is read, and both are timed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("BARE-APP")
Bare().run()
"""
PATIENCE = 60  # seconds
QUIET_S = 0.05


class Terminal:
    """A program in a pseudo-terminal of 120x40. What it draws is read all the time that somebody waits."""

    def __init__(self, command: list[str]) -> None:
        self.began = time.perf_counter()
        self.pid, self._end = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.execvp(command[0], command)
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self._seen = b""

    def press(self, keys: bytes) -> None:
        self._seen = b""
        os.write(self._end, keys)

    def until(self, text: bytes) -> None:
        """`text` is a regular expression for what is drawn since the last key."""
        if not self.shows(text, PATIENCE):
            raise SystemExit(f"bench: {text!r} was never shown: {self._seen[-500:]!r}")

    def shows(self, text: bytes, seconds: float) -> bool:
        end = time.perf_counter() + seconds
        while not re.search(text, self._seen):
            if (left := end - time.perf_counter()) < 0:
                return False
            self._read(left)
        return True

    def quiet(self, seconds: float = QUIET_S) -> None:
        while self._read(seconds):
            pass

    def drain(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self._read(left)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._end], [], [], seconds)[0]:
            return False
        self._seen += os.read(self._end, 1 << 16)
        return True

    def memory(self) -> float:
        """MB that only this process has."""
        found = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        return int(found[1]) / 1000 if found else 0.0

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._end)


@contextmanager
def terminal(command: list[str]) -> Iterator[Terminal]:
    opened = Terminal(command)
    try:
        yield opened
    finally:
        opened.close()


def first_paint(command: list[str], text: bytes) -> float:
    """Milliseconds from start to `text` on the screen; the program is ended then."""
    with terminal(command) as opened:
        opened.until(re.escape(text))
        return (time.perf_counter() - opened.began) * 1000
