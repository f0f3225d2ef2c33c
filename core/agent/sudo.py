"""sudo as it is talked to: what it says, and the password, given when it asks for it, once."""

from __future__ import annotations

import os
import subprocess
import threading

ASKS = "trainshed: the password of sudo?"
UNASKED = 3.0  # seconds; a sudo that has not asked by then asks in words of its own
LONGEST = 64 << 10  # bytes of what it says that are kept


class Dialogue(threading.Thread):
    """Hears what sudo says until `end`. A second question for the password ends sudo: one try is all.

    The password is not given before it is asked for: a program that sudo starts without one would get it as input, and
    a sudo that keeps the input of programs (log_input) would write it to the disk.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", password: str) -> None:
        super().__init__(daemon=True)
        self._process, self._password = process, password
        self._said = b""
        self._given = self._ended = False
        self._lock = threading.Lock()
        self._late = threading.Timer(UNASKED, self._answer, [False])
        self._late.daemon = True
        if password:
            self._late.start()
        self.start()

    def end(self) -> None:
        """What stdin gets from now on is the caller's."""
        self._late.cancel()
        with self._lock:
            self._ended = True

    def last_words(self) -> str:
        """Without the password, whatever sudo says."""
        self.join(1)
        text = self._said.decode(errors="replace").strip()
        if self._password:
            text = text.replace(self._password, "…")
        return (text.splitlines() or ["it ended"])[-1][:200]

    def run(self) -> None:
        assert self._process.stderr is not None
        stderr = self._process.stderr.fileno()
        for chunk in iter(lambda: os.read(stderr, LONGEST), b""):
            before, asked, after = (self._said + chunk).partition(ASKS.encode())
            self._said = (before + after)[-LONGEST:]
            if asked or b"try again" in chunk:
                self._answer(again=not asked)

    def _answer(self, again: bool) -> None:
        """The password, or the end of what sudo can read where it has had that."""
        with self._lock:
            stdin = self._process.stdin
            if self._ended or stdin is None or stdin.closed:
                return
            try:
                if self._given or again or not self._password:
                    stdin.close()  # sudo finds no second one, and ends
                    return
                self._given = True
                stdin.write(self._password.encode() + b"\n")
                stdin.flush()
            except OSError:
                return  # it has ended
