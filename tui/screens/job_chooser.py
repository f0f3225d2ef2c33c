"""A list of job files to choose from: those launched on this site, then those near; or a path that is typed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from textual.content import Content

from tui import untrusted, words
from tui.session import Session
from tui.widgets.choices import Filter
from tui.widgets.paths import PathSuggester
from tui.widgets.press import Press

from .chooser import Chooser


class JobChooser(Chooser[str]):
    """Answers a path as it can be typed on the command line."""

    HEAD = "Choose a job file"
    WAITS = "Looking …"
    MOST = 400

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.known: list[tuple[str, str]] = []  # (path, which list)

    def filter(self) -> Filter:
        return Filter(id="filter", placeholder="type to filter, or a path", suggester=PathSuggester())

    def buttons(self) -> list[Press]:
        return [Press("Open", id="agree", variant="primary")]

    async def load(self) -> None:
        from core.jobs import nearby

        launched, near = await nearby.offered(self.session.site, Path.cwd())
        self.known = [(_short(path), "launched here before") for path in launched]
        self.known += [(_short(path), "near this folder") for path in near]

    def matching(self, words: list[str]) -> Iterable[tuple[str, str, Content]]:
        for path, group in self.known:
            if all(word in path.lower() for word in words):
                yield path, group, Content(untrusted.plain(path))

    def said(self, found: int, typed: str) -> str:
        if found:
            return f"{words.plural(found, 'job file')} · ↑ ↓ choose, Enter opens"
        if typed:
            return "None of these. Enter opens what you typed, as a path; → completes it."
        return f"No job file near {Path.cwd()}. Type a path, or Escape and p to paste one."

    def agreed(self) -> None:
        path = self.chosen or self.typed
        if path:
            self.dismiss(path)
        else:
            self.query_one("#filter").focus()


def _short(path: Path) -> str:
    """Relative to the current folder where it is below that."""
    here = Path.cwd()
    return os.path.relpath(path, here) if path.absolute().is_relative_to(here) else str(path)
