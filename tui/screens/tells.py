"""What a step and a place over the steps have in common: a line of how it goes, and an error with its report."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widget import Widget

from tui import untrusted
from tui.session import Session
from tui.widgets.errors import ErrorPanel
from tui.widgets.status import StatusLine


class Tells(Widget):
    session: Session

    @property
    def status(self) -> StatusLine:
        return self.query_one(StatusLine)

    @property
    def panel(self) -> ErrorPanel:
        return self.query_one(ErrorPanel)

    def say(self, text: str) -> None:
        """Why a key did nothing, or what it did."""
        self.notify(text, timeout=4, markup=False)

    def copy_report(self, step: str, command: str, tried: Sequence[str] = ()) -> bool:
        """Copies and saves the report of the error that is shown; False where none is."""
        from tui import report

        error = self.panel.error
        if error is None:
            return False
        text = untrusted.plain(report.of_error(error, step, command, tried))
        self.app.copy_to_clipboard(text)
        try:
            kept = f", and saved in {report.save(text, self.session.site, 'last-error.txt')}"
        except OSError as failed:
            kept = f"; it could not be saved ({failed.strerror})"
        self.say(f"Sent to the terminal's clipboard{kept}")
        return True

    def details(self) -> None:
        if self.panel.error is None:
            self.say("No error is shown, so there are no details")
        else:
            self.panel.toggle_details()
