"""An earlier run beside the present one: which, and the reading of its metrics."""

from __future__ import annotations

import asyncio
import time

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
from tui.widgets.metrics import MetricChart
from tui.widgets.press import Press

from .dialogues import Dialogue
from .work import TURN_S, heard

NONE = "none"  # no ULID


class EarlierRun(Dialogue[str]):
    """Answers a run, or "" for none. Those of the same experiment come first, the newest first."""

    def __init__(self, session: Session, run: str, with_run: str) -> None:
        super().__init__()
        self.session, self.run, self.with_run = session, run, with_run

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialogue"):
            yield Static("Compare with an earlier run", classes="title")
            yield Static("Asking the VM for its runs …", id="said")
            yield Choices(id="runs")
            with Horizontal(classes="buttons"):
                yield Press("Compare", id="agree", variant="primary")
                yield Press("Cancel", id="cancel")

    def on_mount(self) -> None:
        self.session.ran("cli", self.session.line("runs"))
        self.run_worker(self._list())

    async def _list(self) -> None:
        said = self.query_one("#said", Static)
        try:
            async with heard(self.session, self.session.services.runs.list()) as stream:
                async for event in stream:
                    if isinstance(event, events.RunsListed):
                        listed = untrusted.event(event)
                        assert isinstance(listed, events.RunsListed)
                        self._show(list({info.run: info for info in listed.runs}.values()))
        except TrainshedError as error:
            said.update(Content.styled(untrusted.plain(f"✗ {error.title}. {error.hint}"), "$text-error"))

    def _show(self, runs: list[events.RunInfo]) -> None:
        here = next((info.experiment for info in runs if info.run == self.run), "")
        others = sorted((info for info in runs if info.run != self.run), key=lambda info: -info.created)
        same, rest = [i for i in others if i.experiment == here], [i for i in others if i.experiment != here]
        options = self.query_one(OptionList)
        if self.with_run:
            options.add_option(Option("No earlier run: this one alone", id=NONE))
        for info in (*same, *rest):
            options.add_option(Option(self._line(info, info.experiment == here), id=info.run))
        if not others:
            said = "There is no other run on this VM to compare with."
        else:
            said = (
                f"{words.plural(len(others), 'run')}, {len(same):,} of this experiment. Curves of it are dashed, ○△□."
            )
        self.query_one("#said", Static).update(said)
        if options.option_count:
            options.highlighted = 0
            options.focus()

    def _line(self, info: events.RunInfo, same: bool) -> Content:
        mark = words.RUN[info.state]
        values = " ".join(f"{name}={value}" for name, value in info.params.items())
        what = info.name if same else f"{info.experiment}: {info.name}"
        return Content.assemble(
            (f"{mark!s:<13}", mark.style),
            f"{words.short(info.run)}  {words.clock(info.created, '%m-%d %H:%M')}  ",
            what,
            (f"  {values}", "$muted"),
        )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._answer(event.option_id)

    def agreed(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self._answer(options.get_option_at_index(options.highlighted).id)

    def _answer(self, chosen: str | None) -> None:
        self.dismiss("" if chosen == NONE else chosen)


async def read(session: Session, run: str, chart: MetricChart) -> str:
    """Reads the metrics of `run` into the chart, for as long as they are wanted there; returns what to say of it."""
    count, turn = 0, time.monotonic()
    try:
        async with heard(session, session.services.runs.metrics(run)) as stream:
            async for event in stream:
                if chart.earlier_run != run:
                    return ""
                if isinstance(event, events.Metric):
                    cleaned = untrusted.event(event)
                    assert isinstance(cleaned, events.Metric)
                    chart.add_earlier(cleaned)
                    count += 1
                if time.monotonic() - turn > TURN_S:
                    await asyncio.sleep(0)
                    turn = time.monotonic()
        chart.earlier_until = _as_of(session.told.get(run))
    except TrainshedError as error:
        return untrusted.plain(f"The metrics of {words.short(run)} were not read: {error.title}")
    return "" if count else f"{words.short(run)} logged no metric"


def _as_of(info: events.RunInfo | None) -> str:
    """Until when its metrics are known, where it has not ended."""
    goes_on = info is not None and info.state not in events.TERMINAL
    return f"as of {words.clock(words.now())}" if goes_on else ""
