"""Textual's driver for a terminal, with our parser; bytes that are no text do not end the program."""

from __future__ import annotations

import os
import select
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, cast

from textual import messages
from textual.drivers.linux_driver import LinuxDriver

from .incoming import Parser

if TYPE_CHECKING:
    from .dressed import Dressed

TICK_S = 0.1
CHUNK = 65536


class TerminalDriver(LinuxDriver):
    def run_input_thread(self) -> None:
        parser = Parser(cast("Dressed", self._app).ground)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], TICK_S)[0]:
                data = self._read()
                if not data:  # nobody can say anything any more
                    self._app.post_message(messages.ExitApp())
                    return
                for message in parser.feed(decode(data)):
                    self.process_message(message)
            for message in parser.tick():
                self.process_message(message)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, CHUNK)
        except OSError:  # the terminal has gone
            return b""
