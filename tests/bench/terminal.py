"""A program in a pseudo-terminal, timed to the first screen that shows a text."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("BARE-APP")
Bare().run()
"""
PATIENCE = 30  # seconds


def first_paint(command: list[str], text: bytes) -> float:
    """Milliseconds from start to `text` on the screen (120x40); the program is ended then."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    try:
        while text not in seen:
            if time.perf_counter() - began > PATIENCE:
                raise SystemExit(f"bench: {command} never showed {text!r}: {seen[-500:]!r}")
            if select.select([terminal], [], [], 0.5)[0]:
                seen += os.read(terminal, 65536)
        return (time.perf_counter() - began) * 1000
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
