"""Textual's driver for a browser, which ends the program when its server has gone."""

from __future__ import annotations

from textual import messages
from textual.drivers.web_driver import WebDriver


class ServedDriver(WebDriver):
    def write(self, data: str) -> None:
        try:
            super().write(data)
        except BrokenPipeError:
            pass  # the input ends too, and with it the program

    def run_input_thread(self) -> None:
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.post_message(messages.ExitApp())
