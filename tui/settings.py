"""What the global options say, and what a command gets from them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.services import Services
    from core.site.files import Site

    from .output import Output


@dataclass
class Settings:
    """One for each start of the program; `opener` is for tests: in place of the real services."""

    site: str | None = None
    json: bool = False
    read_only: bool = False
    plain: bool = field(default_factory=lambda: os.environ.get("ACCESSIBLE", "") not in ("", "0"))
    no_input: bool = False
    theme: str | None = None
    no_mouse: bool = False
    opener: Callable[[Site | None], Services] | None = field(default=None, repr=False)
    found: Site | None = field(default=None, repr=False)  # what `find_site` found last

    @property
    def set_by_flags(self) -> dict[str, object]:
        """Of what `trainshed settings` lists; None where the flag was not given."""
        return {"theme": self.theme, "mouse": False if self.no_mouse else None}

    def find_site(self) -> Site:
        """The site that --site, TRAINSHED_SITE or `site use` names. Raises SiteError, UsageError."""
        from core.site import files

        self.found = files.find(self.site)
        return self.found

    def services(self) -> Services:
        return self.open(self.find_site())

    def open(self, site: Site | None) -> Services:
        """The services of a site, or of the one that `connect` will write."""
        if self.opener is not None:
            return self.opener(site)
        from core import live

        return live.open_site(site, read_only=self.read_only)

    def output(self, *, together: bool = False) -> Output:
        from .output import Output

        return Output(json_wanted=self.json, plain=self.plain, together=together)

    def refuse_if_read_only(self, what: str) -> None:
        """Raises UsageError where --read-only forbids `what`."""
        if self.read_only:
            from core.errors import UsageError

            raise UsageError(f"--read-only: {what} changes something", hint="leave --read-only out to do it")

    @property
    def may_ask(self) -> bool:
        return not self.no_input and sys.stdin is not None and sys.stdin.isatty()

    @property
    def may_draw(self) -> bool:
        """True where the TUI can be shown."""
        if os.environ.get("TEXTUAL_DRIVER"):  # Textual draws somewhere else: for `serve` in a browser
            return not self.json
        return self.on_terminal and not self.json and os.environ.get("TERM") != "dumb"

    @property
    def dumb(self) -> bool:
        """True on a terminal that draws nothing, where questions can be asked."""
        return self.on_terminal and os.environ.get("TERM") == "dumb" and not (self.json or self.no_input)

    @property
    def on_terminal(self) -> bool:
        return sys.stdout.isatty() and sys.stdin is not None and sys.stdin.isatty()
