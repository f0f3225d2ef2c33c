"""What happens when the program itself is wrong: a redacted report in a file, and where it is."""

from __future__ import annotations

import time
from typing import Any

from rich.text import Text
from textual.app import App


class CrashReport(App[Any]):
    """Textual swallows exceptions, and its own panic prints local variables, which can hold a secret.

    `_handle_exception` is private to Textual; tests/tui/test_crash.py guards it.
    """

    def crash_site(self) -> tuple[str, str]:
        """(site, step) for the report."""
        return "", ""

    def runs_then(self) -> str:
        """What becomes of runs on the VM when this program ends."""
        return "runs on the VM go on"

    def _handle_exception(self, error: Exception) -> None:
        self._return_code = 1
        first = self._exception is None  # what follows from it says nothing new
        if first:
            self._exception = error
            self.panic(Text(self._crash_message(error)))
            self._exception_event.set()

    def _crash_message(self, error: Exception) -> str:
        from . import report

        site, step = self.crash_site()
        runs = self.runs_then()
        then = f"{runs[:1].upper()}{runs[1:]}"
        cause = getattr(error, "error", error)  # a worker's failure carries what failed
        text = report.of_crash(cause, step)
        said = f"trainshed stopped because of a mistake of its own ({type(cause).__name__}). {then}.\n"
        try:
            path = report.save(text, site, time.strftime("crash-%Y%m%d-%H%M%S.txt"))
        except OSError as failed:
            return f"{said}The report could not be written ({failed.strerror}).\n"
        return f"{said}A report without secrets is in {path}\n"
