"""A list of job files to choose from: those launched on this site, then those near; or a path that is typed."""

from __future__ import annotations

import os
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui import untrusted, words
from tui.session import Session
from tui.widgets.choices import Choices, Filter
from tui.widgets.paths import PathSuggester
from tui.widgets.press import Press

from .dialogues import Dialogue

MOST = 200  # of each list: the filter finds the rest


class JobChooser(Dialogue[str]):
    """Answers a path as it can be typed on the command line."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.known: list[tuple[str, str]] = []  # (path, which list)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialogue roomy"):
            yield Static("Choose a job file", classes="title")
            yield Filter(id="filter", placeholder="type to filter, or a path", suggester=PathSuggester())
            yield Static("Looking …", id="said")
            yield Choices(id="runs")
            with Horizontal(classes="buttons"):
                yield Press("Open", id="agree", variant="primary")
                yield Press("Cancel", id="cancel")

    def on_mount(self) -> None:
        self.query_one("#filter").focus()
        self.run_worker(self._look())

    async def _look(self) -> None:
        from core.jobs import nearby

        launched, near = await nearby.offered(self.session.site, Path.cwd())
        self.known = [(_short(path), "launched here before") for path in launched]
        self.known += [(_short(path), "near this folder") for path in near]
        self._show()

    def _show(self) -> None:
        wanted = self.query_one("#filter", Input).value.strip().lower().split()
        found = [(path, group) for path, group in self.known if all(word in path.lower() for word in wanted)]
        options = self.query_one(OptionList)
        options.clear_options()
        for at, (path, group) in enumerate(found[: 2 * MOST]):
            if at == 0 or found[at - 1][1] != group:
                options.add_option(Option(Content.styled(group, "$muted"), disabled=True))
            options.add_option(Option(Content(untrusted.plain(path)), id=path))
        self.query_one("#said", Static).update(self._said(len(found), bool(wanted)))
        first = next((at for at in range(options.option_count) if not options.get_option_at_index(at).disabled), None)
        options.highlighted = first

    def _said(self, found: int, filtered: bool) -> str:
        if found:
            return f"{words.plural(found, 'job file')} · ↑ ↓ choose, Enter opens"
        if filtered:
            return "None of these. Enter opens what you typed, as a path; → completes it."
        return f"No job file near {untrusted.plain(str(Path.cwd()))}. Type a path, or Escape and p to paste one."

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_id)

    def agreed(self) -> None:
        options = self.query_one(OptionList)
        typed = self.query_one("#filter", Input).value.strip()
        if options.highlighted is not None:
            self.dismiss(options.get_option_at_index(options.highlighted).id)
        elif typed:
            self.dismiss(typed)
        else:
            self.query_one("#filter").focus()


def _short(path: Path) -> str:
    """Relative to the current folder where it is below that."""
    here = Path.cwd()
    return os.path.relpath(path, here) if path.absolute().is_relative_to(here) else str(path)
