"""A list of the site's runs, to open one."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core import events
from core.errors import TrainshedError
from tui import untrusted, words
from tui.session import Session
from tui.widgets.choices import Choices
from tui.widgets.press import Press

from .dialogues import Dialogue
from .pane import closing


class RunChooser(Dialogue[str]):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialogue wide"):
            yield Static("Open a run", classes="title")
            yield Static("Asking the VM for its runs …", id="said")
            yield Choices(id="runs")
            with Horizontal(classes="buttons"):
                yield Press("Open", id="agree", variant="primary")
                yield Press("Cancel", id="cancel")

    def on_mount(self) -> None:
        self.session.ran("cli", self.session.line("runs"))
        self.run_worker(self._list())

    async def _list(self) -> None:
        said = self.query_one("#said", Static)
        try:
            async with closing(self.session.services.runs.list()) as stream:
                async for event in stream:
                    if isinstance(event, events.RunsListed):
                        self._show(event.runs)
        except TrainshedError as error:
            said.update(Content.styled(untrusted.plain(f"✗ {error.title}. {error.hint}"), "$text-error"))

    def _show(self, runs: list[events.RunInfo]) -> None:
        said, options = self.query_one("#said", Static), self.query_one(OptionList)
        said.update(words.plural(len(runs), "run") if runs else "No run yet: Escape, then 4 launches one.")
        for info in sorted(runs, key=lambda info: -info.created):
            mark = words.RUN[info.state]
            options.add_option(
                Option(
                    Content.assemble(
                        (f"{mark!s:<13}", mark.style),
                        f"{words.short(info.run)}  {words.clock(info.created)}  ",
                        untrusted.plain(info.name),
                    ),
                    id=info.run,
                )
            )
        if runs:
            options.highlighted = 0
            options.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_id)

    def agreed(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self.dismiss(options.get_option_at_index(options.highlighted).id)
