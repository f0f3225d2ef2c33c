"""5 Watch: one run, its log and its metrics, live or from the beginning."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from core import events
from core.errors import TrainshedError
from core.services import Events
from tui import report, words
from tui.preferences import Resolved
from tui.widgets.log_keys import around
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
from .pane import StepPane, Task


class WatchPane(StepPane):
    STEP = "watch"
    EMPTY = "No run is open: Enter opens the latest, o lists all, 4 launches one."
    BINDINGS: ClassVar[list[BindingType]] = [
        *around(),
        Binding("x", "cancel_run", "Cancel run", id="watch.cancel_run"),
        Binding("m", "metric", "Next metric", show=False, id="watch.metric"),
        Binding("z", "enlarge", "Enlarge this panel, and back", show=False, id="watch.enlarge"),
    ]

    def body(self) -> ComposeResult:
        yield Static(id="run-head")
        with Panels(id="views"):
            yield LogPanel(
                id="log-panel",
                saves_as=lambda: f"{self.opened or 'run'}.log",
                keeps=self._keep,
                no_times="the agent on the VM kept none",
                read_only=self.session.read_only,
                look=self.app.settings.preferences.log,  # type: ignore[attr-defined]
            )
            with Vertical(id="side"):
                yield MetricChart(id="metrics")
                yield ResourcesPanel(id="resources")

    def on_mount(self) -> None:
        self.state: events.RunState | None = None
        self.state_reason = ""
        self.params: dict[str, str] = {}
        self.link: events.LinkChanged | None = None
        self.finished: events.RunFinished | None = None
        self.opened = ""  # the run that is shown
        self.began: float | None = None
        self.ended: float | None = None
        self.left: float | None = None  # when it was not followed any more, and had not ended
        self.set_interval(1, self._head)
        self.app.settings_changed.subscribe(self, self._prefer)  # type: ignore[attr-defined]

    @property
    def hidden(self) -> frozenset[str]:
        """The footer has the keys of the panel that has the focus, and `n` while it is the next hit."""
        focused = self.screen.focused
        beside = focused is not None and focused.id in ("metrics", "resources")
        if beside:
            return frozenset({"r", "b", "c", "space", "slash", "ampersand"})
        return frozenset({"r", "b", "c", "x" if self.searching else "n"})

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

    # Opening a run.

    def primary(self) -> tuple[str, Callable[[], object]]:
        if not self.is_mounted or not self.opened:
            return "Open the latest run", self.open_latest
        return "Read again", self.reopen

    def cli(self) -> str:
        return self.session.line("logs", self.opened or self.session.run or "@latest", "--follow")

    def shown(self) -> None:
        if self.session.run and self.session.run != self.opened:
            self.open(self.session.run)
        elif not self.opened and not self.going and self.session.connected is not None:
            self.open_latest()

    def focus_first(self) -> None:
        if self.opened:
            self.screen.set_focus(self.log_view)
        else:
            super().focus_first()

    def reopen(self) -> None:
        self.open(self.opened)

    def open_latest(self) -> None:
        def begin() -> Events:
            return self.session.services.runs.list()

        self.session.run_info = None
        line = self.session.line("runs")
        self.operate(Task("Looking for the latest run", line, begin, self._found, retry=self.open_latest, counts=False))

    def _found(self) -> tuple[str, str]:
        info = self.session.run_info
        if info is None:
            return "warn", "There is no run yet: 4 launches one."
        self.call_later(self.open, info.run)
        return "pass", f"Opening {info.run}"

    def open(self, run: str) -> None:
        """Follows `run` from its beginning; what was shown goes."""
        if self.going and self.stop():
            self.call_after_refresh(self.open, run)
            return
        self._reset(run)
        runs, title = self.session.services.runs, f"Following {words.short(run)}"
        self.operate(Task(title, self.cli(), lambda: runs.follow(run), self._ended, retry=self.reopen))
        self.log_view.focus()

    def _reset(self, run: str) -> None:
        self.opened = self.session.run = run
        self.state, self.state_reason, self.params, self.link, self.finished = None, "", {}, None, None
        self.began = self.ended = self.left = None
        self.log_panel.clear()
        self.chart.clear()
        self.resources.clear(self.session.connected.facts if self.session.connected else None)
        self._tell("created")
        self._head()
        self.relabel()

    def stopped(self) -> None:
        self.left = time.time() if self.state not in (None, *events.TERMINAL) else None
        self._head()

    def failed(self) -> None:
        """An error of ours says nothing of the run: it is what its last known state says."""
        if self.state is not None:
            self.session.run_going = self.state not in events.TERMINAL
        self.stopped()

    # What the run says.

    def receive(self, event: events.Event) -> None:
        match event:
            case events.LogText():
                self.log_panel.append(event.text)
            case events.Metric():
                self.chart.add(event)
            case events.Resources():
                self.resources.add(event)
            case events.LogTimes():
                self.log_panel.add_times(event.points)
            case _:
                self._receive_rare(event)

    def _receive_rare(self, event: events.Event) -> None:
        match event:
            case events.RunStateChanged():
                self._changed(event)
            case events.LinkChanged():
                self.link = event if event.state == "lost" else None
            case events.Logged(kind="param"):
                self.params[event.key] = event.value
            case events.Logged():
                self.session.ran("vm", f"# the job logged {event.kind} {event.key}")
            case events.RunFinished():
                self.finished = event
            case events.RunsListed() if event.runs:
                self.session.run_info = max(event.runs, key=lambda info: info.created)
            case events.GateHeld():
                self.say(f"Held by the gate: {event.item}, {event.reason}")
            case events.Notice():
                self.say(event.text)
            case _:
                pass
        self._head()

    def _changed(self, event: events.RunStateChanged) -> None:
        self.state, self.state_reason = event.state, event.reason
        self._tell(event.state)
        if self.began is None:
            self.began = event.time
        self.session.run_going = event.state not in events.TERMINAL
        if event.state in events.TERMINAL:
            self.ended = event.time

    def _ended(self) -> tuple[str, str]:
        finished = self.finished
        if finished is None:
            return "warn", "The run said nothing of its end"
        self.session.run_going = False
        mark = words.RUN[finished.status]
        if finished.status == "completed":
            self.session.journey.finish(self.STEP, self.opened, mark.word)
            return (
                "pass",
                f"Completed. Next registers its model. {words.plural(len(finished.artifacts), 'artifact')} logged.",
            )
        self.session.journey.fail(self.STEP, mark.word)
        why = finished.reason or (f"exit code {finished.exit_code}" if finished.exit_code is not None else "")
        return "fail", f"The run {mark.word}{f': {why}' if why else ''}. Its log is complete above; 4 launches it anew."

    def _head(self) -> None:
        head = self.query_one("#run-head", Static)
        if not self.opened:
            head.update("")
            return
        mark = words.RUN[self.state or "created"]
        parts: list[tuple[str, str]] = [(f"{mark} ", mark.style), (words.short(self.opened), "bold")]
        if self.began is not None and self.ended is not None:
            parts.append((f"  took {words.duration(self.ended - self.began)}", ""))
        params = ", ".join(f"{name}={value}" for name, value in self.params.items())
        parts.append((f"  {params}" if params else "", "$muted"))
        if self.link is not None:
            again = f"; next try in {self.link.retry_in_s:.0f} s" if self.link.retry_in_s else ""
            said = f"\n⚠ link lost: last seen {words.clock(self.link.last_seen)}, the run goes on{again}"
            parts.append((said, "$text-warning"))
        elif self.left is not None:
            parts.append((f"\n⚠ not followed since {words.clock(self.left)}; r follows it again", "$text-warning"))
        head.update(Content.assemble(*parts))

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

    def _prefer(self, settings: Resolved) -> None:
        self.log_panel.prefer(settings.preferences.log)

    def _keep(self, text: str) -> Path:
        return report.save(text, self.session.site, "copied.log")

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

    def _tell(self, state: str) -> None:
        self.chart.tell(state)
        self.resources.tell(state)

    def action_enlarge(self) -> None:
        self.query_one(Panels).enlarge(self.screen.focused)

    # Metrics: which curves, and an earlier run beside this one.

    def on_metric_keys_wanted(self, event: MetricKeys.Wanted) -> None:
        event.stop()
        if event.what == "earlier" and self.opened:
            self.app.push_screen(EarlierRun(self.session, self.opened, self.chart.earlier_run), self._compare)
        elif event.what == "curves" and self.chart.keys:
            self.app.push_screen(CurveChooser(self.chart), lambda keys: None if keys is None else self.chart.pick(keys))
        else:
            self.say("No run is open" if not self.opened else "No metric was logged yet")

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

    # Other runs; cancelling.

    def ways_to_stop(self) -> list[str]:
        ended = self.state is None or self.state in events.TERMINAL
        cancels = [] if ended else [f"x cancels {words.short(self.opened)}."]
        return (["Escape stops watching."] if self.going else []) + cancels

    def action_cancel_run(self) -> None:
        if not self.opened or self.state is None or self.state in events.TERMINAL:
            self.say(
                f"Nothing to cancel: the run is {self.state}" if self.state else "Nothing to cancel: no run is open"
            )
            return
        if self.session.read_only:
            self.say("Read-only: the run is not cancelled")
            return
        run = self.opened
        text = f"{run}\non {self.session.vm}. What it logged so far is kept; it cannot be taken up again."
        question = Confirmation("Cancel this run?", text, yes=f"Cancel {words.short(run)}", no="Let it run")
        self.app.push_screen(question, lambda yes: self._cancel(run) if yes else None)

    def _cancel(self, run: str) -> None:
        self.session.ran("cli", self.session.line("cancel", run))
        self.run_worker(self._cancel_now(run), group="cancel", exclusive=True)

    async def _cancel_now(self, run: str) -> None:
        try:
            await self._consume(self.session.services.runs.cancel(run))
        except TrainshedError as error:
            self.show_error(error)
