"""What each full screen shows alike: the line at the top, and in place of all when the terminal is too small."""

from __future__ import annotations

from typing import TypeVar

from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from .session import Session

Answer = TypeVar("Answer")
TOO_SMALL = (
    "This terminal is too small for trainshed: it needs 60 columns and 18 lines. Nothing is lost; make it larger.\n\n"
    "Until then only these keys act: {quit} quits, {help} shows the keys."
)


class Frame(Screen[Answer]):
    """The style sheet shows `#too-small` alone for the classes -tiny and -short."""

    session: Session
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Screen declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (18, "-tall")]  # noqa: RUF012

    @property
    def too_small(self) -> bool:
        """Whether nothing of it can be seen, so that no key may change anything."""
        return self.has_class("-tiny") or self.has_class("-short")

    def notice(self) -> Static:
        key = self.app.key_of  # type: ignore[attr-defined]
        said = TOO_SMALL.format(quit=key("wizard.quit", "q"), help=key("wizard.help", "?"))
        return Static(Content(said), id="too-small")

    def heading(self, place: str = "") -> Content:
        """The program, the site and its VM; `place`: what lies over the steps."""
        session = self.session
        where = f"{session.site or 'no site yet'}{' · ' + session.vm if session.vm else ''}"
        badges = [session.label.upper()] if session.label else []
        badges += ["READ-ONLY"] if session.read_only else []
        badges += ["PAUSED, . goes on"] if session.pace is not None and session.pace.stopped else []
        parts: list[tuple[str, str]] = [(" trainshed ", "bold $primary"), (f" {where} ", "")]
        parts += [(f" {place} ", "bold")] if place else []
        parts += [(f" {badge} ", "bold reverse") for badge in badges]
        return Content.assemble(*parts)
