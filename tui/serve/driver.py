"""Textual's driver for a browser, with our parser, which ends the program when its server has gone."""

from __future__ import annotations

import os
from codecs import getincrementaldecoder

from textual import messages
from textual.drivers._byte_stream import ByteStream
from textual.drivers.web_driver import WebDriver, _ExitInput

from ..background import Ground
from ..incoming import Parser

PATIENCE_S = 5.0  # to end in good order, with whatever was still to be done


class ServedDriver(WebDriver):
    def write(self, data: str) -> None:
        try:
            super().write(data)
        except BrokenPipeError:
            pass  # the input ends too, and with it the program

    def run_input_thread(self) -> None:
        """Reads on while keys wait to be done: so the end of the server is seen at once, and ends them too."""
        parser, stream = Parser(Ground()), ByteStream()
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        try:
            for data in self._input_reader:
                for kind, payload in stream.feed(data) if data else ():
                    if kind == "D":
                        for message in parser.feed(decode(payload)):
                            self.process_message(message)
                    else:
                        self._on_meta(kind, payload)
                for message in parser.tick():
                    self.process_message(message)
        except _ExitInput:
            pass
        finally:
            self._input_reader.close()
        if not self.exit_event.is_set():
            self._app.post_message(messages.ExitApp())
            if not self.exit_event.wait(PATIENCE_S):
                os._exit(1)
