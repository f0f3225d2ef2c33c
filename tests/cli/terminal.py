"""A program on a terminal of its own: what it shows, what a person types."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Terminal:
    """Starts `python -m MODULE WORD…` as the session leader of a new pseudo-terminal."""

    def __init__(self, module: str, *words: str, **environment: str) -> None:
        self.master, slave = pty.openpty()
        self.shown = ""
        self._read = 0

        def control() -> None:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120", **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=control,
        )
        os.close(slave)

    def expect(self, text: str, timeout: float = 30) -> None:
        """Waits until `text` is shown after what was expected before."""
        until = time.monotonic() + timeout
        while text not in self.shown[self._read :]:
            assert time.monotonic() < until, f"{text!r} was not shown: {self.shown!r}"
            assert self._more(), f"ended before {text!r}: {self.shown!r}"
        self._read = self.shown.index(text, self._read) + len(text)

    def _more(self) -> bool:
        if not select.select([self.master], [], [], 1)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def echoes(self) -> bool:
        """Whether what is typed is shown."""
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def end(self, timeout: float = 30) -> int:
        """Reads to the end; the exit code."""
        until = time.monotonic() + timeout
        while self._more():
            assert time.monotonic() < until, f"it does not end: {self.shown!r}"
        code = self.process.wait(timeout=timeout)
        os.close(self.master)
        return code
