"""What the keys of Watch do to its panels, and to the run: the log, metrics beside an earlier run, cancelling."""

from __future__ import annotations

from core import events
from core.errors import TrainshedError
from tui import untrusted, words
from tui.session import Session
from tui.watched import Watched
from tui.widgets.log_panel import LogPanel
from tui.widgets.log_view import LogView
from tui.widgets.metric_keys import MetricKeys
from tui.widgets.metrics import MetricChart
from tui.widgets.panels import Panels
from tui.widgets.resources import ResourcesPanel

from . import earlier
from .curves import CurveChooser
from .dialogues import Confirmation
from .earlier import EarlierRun
from .pane import StepPane
from .work import heard


class WatchActs(StepPane):
    """For WatchPane, which opens and follows the run."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.seen = Watched()  # the run that is shown
        self.following = ""  # the run that is followed now

    @property
    def log_panel(self) -> LogPanel:
        return self.query_one(LogPanel)

    @property
    def log_view(self) -> LogView:
        return self.log_panel.view

    @property
    def resources(self) -> ResourcesPanel:
        return self.query_one(ResourcesPanel)

    @property
    def chart(self) -> MetricChart:
        return self.query_one(MetricChart)

    def change(self, event: events.RunStateChanged) -> None:
        """The run has another state."""
        raise NotImplementedError

    def tell_head(self) -> None:
        raise NotImplementedError

    # The log: its panel does what its keys say, also when they are pressed elsewhere in this step.

    async def action_log(self, action: str) -> None:
        await self.log_panel.run_action(action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "log" and self.is_mounted:
            return self.log_panel.check_action(str(parameters[0]).partition("(")[0], ())
        return super().check_action(action, parameters)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:  # noqa: ARG002
        """Why a key of the log, the only ones that can be off, is so now."""
        return self.log_panel.why_not(str(parameters[0]).partition("(")[0], ())

    @property
    def searching(self) -> bool:
        return bool(self.is_mounted and self.log_panel.searching)

    def leave_field(self) -> bool:
        return self.log_panel.escape() or super().leave_field() or self._shrink()

    def _shrink(self) -> bool:
        """All panels are there again; False where they were."""
        panels = self.query_one(Panels)
        if panels.only:
            panels.enlarge(None)
            return True
        return False

    # The panels beside each other.

    def action_metric(self) -> None:
        if not self.chart.choose_next():
            self.say("No metric was logged yet")

    def action_enlarge(self) -> None:
        self.query_one(Panels).enlarge(self.screen.focused)

    # Metrics: which curves, and an earlier run beside this one.

    def on_metric_keys_wanted(self, event: MetricKeys.Wanted) -> None:
        event.stop()
        run = self.seen.run
        if event.what == "earlier" and run:
            self.app.push_screen(EarlierRun(self.session, run, self.chart.earlier_run), self._compare)
        elif event.what == "curves" and self.chart.keys:
            self.app.push_screen(CurveChooser(self.chart), lambda keys: None if keys is None else self.chart.pick(keys))
        else:
            self.say("No run is open" if not run else "No metric was logged yet")

    def _compare(self, run: str | None) -> None:
        if run is None:
            return
        self.chart.compare(run)
        if run:
            self.session.ran("cli", self.session.line("metrics", run))
            self.run_worker(self._read(run), group="earlier", exclusive=True)

    async def _read(self, run: str) -> None:
        said = await earlier.read(self.session, run, self.chart)
        self.chart.draw()
        if said:
            self.chart.compare("")
            self.say(said)

    # Cancelling.

    def ways_to_stop(self) -> list[str]:
        ended = self.seen.state is None or self.seen.over
        cancels = [] if ended else [f"x cancels {words.short(self.seen.run)}."]
        return (["Escape stops watching."] if self.going else []) + cancels

    def action_cancel_run(self) -> None:
        run, state = self.seen.run, self.seen.state
        if not run or state is None or self.seen.over or self.seen.gone:
            why = "the VM has it no more" if self.seen.gone else f"the run is {state}" if state else "no run is open"
            self.say(f"Nothing to cancel: {why}")
            return
        if self.session.read_only:
            self.say("Read-only: the run is not cancelled")
            return
        text = f"{run}\non {self.session.vm}. What it logged so far is kept; it cannot be taken up again."
        question = Confirmation("Cancel this run?", text, yes=f"Cancel {words.short(run)}", no="Let it run")
        self.app.push_screen(question, lambda yes: self._cancel(run) if yes else None)

    def _cancel(self, run: str) -> None:
        self.session.ran("cli", self.session.line("cancel", run))
        self.run_worker(self._cancel_now(run), group="cancel", exclusive=True)

    async def _cancel_now(self, run: str) -> None:
        try:
            async with heard(self.session, self.session.services.runs.cancel(run)) as stream:
                async for event in stream:
                    self._cancelled(untrusted.event(event))
        except TrainshedError as error:
            self.show_error(error)

    def _cancelled(self, event: events.Event) -> None:
        """Whoever follows the run hears of its end; else this is how it is known."""
        if isinstance(event, events.RunStateChanged) and event.run == self.seen.run:
            if event.reason:
                self.say(f"The run is {event.state}: {event.reason}")
            if not self.going:
                self.change(event)
                self.tell_head()
        elif isinstance(event, events.Notice):
            self.say(event.text)
        elif isinstance(event, events.Phase) and event.command:
            self.session.ran("vm", event.command)
