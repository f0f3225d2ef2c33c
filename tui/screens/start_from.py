"""A recent run to start from: those of the same job or experiment first."""

from __future__ import annotations

from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core import events
from core.errors import TrainshedError
from tui import untrusted, words
from tui.session import Session
from tui.widgets.choices import Choices, Filter
from tui.widgets.press import Press

from .dialogues import Dialogue
from .pane import closing

MOST = 300  # that are shown: the filter finds the rest


class Origin(NamedTuple):
    run: events.RunInfo
    resume: bool  # it begins with the run's checkpoints


class StartFrom(Dialogue[Origin]):
    """`like`: (name, experiment) of the job at hand."""

    def __init__(self, session: Session, like: tuple[str, str]) -> None:
        super().__init__()
        self.session, self.like = session, like
        self.runs: list[events.RunInfo] = []
        self.lines: list[tuple[events.RunInfo, Content]] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialogue roomy"):
            yield Static("Start from a run", classes="title")
            yield Static("Its code, data, environment and settings are on the VM already.")
            yield Filter(id="filter", placeholder="type to filter")
            yield Static("Asking the VM for its runs …", id="said")
            yield Choices(id="runs")
            with Horizontal(classes="buttons"):
                yield Press("Start from it", id="agree", variant="primary")
                yield Press("Resume from its checkpoints", id="resume")
                yield Press("Cancel", id="cancel")

    def on_mount(self) -> None:
        self.query_one("#filter").focus()
        self.session.ran("cli", self.session.line("runs"))
        self.run_worker(self._list())

    async def _list(self) -> None:
        try:
            async with closing(self.session.services.runs.list()) as stream:
                async for event in stream:
                    if isinstance(event, events.RunsListed):
                        self.runs = sorted(event.runs, key=self._nearness)
                        self.lines = [(info, _line(info)) for info in self.runs]
                        self._show()
        except TrainshedError as error:
            said = Content.styled(untrusted.plain(f"✗ {error.title}. {error.hint}"), "$text-error")
            self.query_one("#said", Static).update(said)

    def _nearness(self, info: events.RunInfo) -> tuple[int, float]:
        name, experiment = self.like
        return (0 if info.name == name else 1 if info.experiment == experiment else 2), -info.created

    def _show(self) -> None:
        wanted = self.query_one("#filter", Input).value.lower().split()
        options = self.query_one(OptionList)
        options.clear_options()
        lines = [(info, line) for info, line in self.lines if all(word in line.plain.lower() for word in wanted)]
        options.add_options([Option(line, id=info.run) for info, line in lines[:MOST]])
        found = len(lines)
        options.highlighted = 0 if found else None
        if not self.runs:
            said = "No run yet: Escape, then launch a job file."
        else:
            said = f"{words.plural(found, 'run')} · ↑ ↓ choose, Enter starts from it" if found else "None of these."
        self.query_one("#said", Static).update(said)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.agreed()

    def agreed(self) -> None:
        self._answer(resume=False)

    def other(self, id: str) -> None:
        if id == "resume":
            self._answer(resume=True)

    def _answer(self, *, resume: bool) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is None:
            return
        chosen = options.get_option_at_index(options.highlighted).id
        info = next(info for info in self.runs if info.run == chosen)
        if resume and info.state not in events.TERMINAL:
            said = "That run goes on: it can be resumed once it has ended."
            self.query_one("#said", Static).update(Content.styled(f"✗ {said}", "$text-error"))
            return
        self.dismiss(Origin(info, resume))


def _line(info: events.RunInfo) -> Content:
    mark = words.RUN[info.state]
    values = " ".join(f"{name}={value}" for name, value in info.params.items())
    return Content.assemble(
        (f"{mark!s:<13}", mark.style),
        f"{words.short(info.run)}  {words.clock(info.created, '%m-%d %H:%M')}  {untrusted.plain(info.name)}  ",
        ("can be resumed  " if info.state == "lost" else "", "$text-warning"),
        (untrusted.plain(values), "$muted"),
    )
