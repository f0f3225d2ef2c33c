"""5 Watch: one run, its log and its metrics, live or from the beginning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from core import events
from core.errors import RunError, RunUnknown, TrainshedError
from core.services import Events
from tui import report, words
from tui.preferences import Resolved
from tui.watched import Watched
from tui.widgets.log_keys import around
from tui.widgets.log_panel import LogPanel
from tui.widgets.metrics import MetricChart
from tui.widgets.panels import Panels
from tui.widgets.resources import ResourcesPanel
from tui.widgets.run_head import RunHead

from .watch_acts import WatchActs
from .work import Task


class WatchPane(WatchActs):
    STEP = "watch"
    EMPTY = "No run is open: Enter opens the latest, o lists all, 4 launches one."
    BINDINGS: ClassVar[list[BindingType]] = [
        *around(),
        Binding("x", "cancel_run", "Cancel run", id="watch.cancel_run"),
        Binding("m", "metric", "Next metric", show=False, id="watch.metric"),
        Binding("z", "enlarge", "Enlarge/back", id="watch.enlarge"),
    ]

    def body(self) -> ComposeResult:
        yield RunHead(id="run-head")
        with Panels(id="views"):
            yield LogPanel(
                id="log-panel",
                saves_as=lambda: f"{self.seen.run or 'run'}.log",
                keeps=self._keep,
                no_times="the agent on the VM kept none",
                read_only=self.session.read_only,
                look=self.app.settings.preferences.log,  # type: ignore[attr-defined]
            )
            with Vertical(id="side"):
                yield MetricChart(id="metrics")
                yield ResourcesPanel(id="resources")

    def on_mount(self) -> None:
        self.set_interval(1, self.tell_head)
        self.app.settings_changed.subscribe(self, self._prefer)  # type: ignore[attr-defined]

    @property
    def hidden(self) -> frozenset[str]:
        """The footer has the keys of the panel with the focus, `n` while it finds, `x` while a run goes on."""
        focused = self.screen.focused
        beside = focused is not None and focused.id in ("metrics", "resources")
        goes_on = self.going or self.session.run_going
        if beside:
            return frozenset({"r", "b", "c", "n", "space", "slash", "ampersand", *([] if goes_on else ["x"])})
        if self.searching:
            return frozenset({"r", "b", "c", "x", "z"})
        return frozenset({"r", "b", "c", "n", "z" if goes_on else "x"})

    # Opening a run.

    def primary(self) -> tuple[str, Callable[[], object]]:
        if not self.is_mounted or not self.seen.run:
            return "Open the latest run", self.open_latest
        return "Follow again", self.reopen

    def cli(self) -> str:
        return self.session.line("logs", self.seen.run or self.session.run or "@latest", "--follow")

    def shown(self) -> None:
        wanted, self.session.to_open = self.session.to_open, ""
        if wanted or self.session.run != self.seen.run:
            self.open(wanted or self.session.run)
        elif not self.seen.run and not self.going and self.session.connected is not None:
            self.open_latest()

    def focus_first(self) -> None:
        if self.seen.run:
            self.screen.set_focus(self.log_view)
        else:
            super().focus_first()

    def reopen(self) -> None:
        if self.going and self.following:
            self.say(f"{words.short(self.following)} is followed already. Escape stops that.")
        else:
            self.open(self.seen.run)

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
        """Follows `run`: one that was open from where its log was left, which stays meanwhile, any other anew."""
        if self.going and self.following == run == self.seen.run:
            self.log_view.focus()
            return
        if self.going and self.stop():
            self.call_after_refresh(self.open, run)
            return
        if run != self.seen.run:
            self._reset(run)
        offset, self.following = self.seen.begin(), run
        runs, title = self.session.services.runs, f"Following {words.short(run)}"
        self.operate(Task(title, self.cli(), lambda: runs.follow(run, offset=offset), self._ended, retry=self.reopen))
        self.tell_head()
        self.log_view.focus()

    def _reset(self, run: str) -> None:
        self.session.run, self.seen = run, Watched(run)
        self.seen.know(self.session.told.get(run))
        self.log_panel.clear()
        self.chart.clear()
        self.resources.clear(self.session.connected.facts if self.session.connected else None)
        self._tell("running" if self.seen.over else self.seen.state or "created")  # what it logged is still to come
        self.relabel()

    def stopped(self) -> None:
        self.session.link.given_up()
        if self.following:
            self.seen.left = words.now() if self.seen.state is not None and not self.seen.over else None
        self.following = ""
        self.tell_head()

    def failed(self) -> None:
        """An error of ours says nothing of the run: it is what its last known state says."""
        if self.seen.state is not None:
            self.session.run_going = not self.seen.over
        self.stopped()

    def show_error(self, error: TrainshedError) -> None:
        if isinstance(error, RunUnknown) and self.seen.run:
            self.seen.gone, self.seen.left, self.session.run_going = True, None, False
            self.tell_head()
        elif isinstance(error, RunError) and "size" in error.facts:
            self.seen.forget_log()
        super().show_error(error)

    # What the run says.

    def receive(self, event: events.Event) -> None:
        match event:
            case events.LogText():
                self._log(event)
            case events.Metric():
                if self.seen.is_new(event):
                    self.chart.add(event)
            case events.Resources():
                if self.seen.is_new(event):
                    self.resources.add(event)
            case events.LogTimes():
                self.log_panel.add_times(event.points)
            case _:
                self._receive_rare(event)

    def _log(self, event: events.LogText) -> None:
        if self.seen.anew:
            self.seen.anew = False
            self.log_panel.clear()
        text = self.seen.text(event)
        if text:
            self.log_panel.append(text)

    def _receive_rare(self, event: events.Event) -> None:
        match event:
            case events.RunStateChanged():
                if self.seen.is_new(event):
                    self.change(event)
            case events.Queued():
                self.seen.ahead = event.ahead
            case events.Logged(kind="param"):
                self.seen.params[event.key] = event.value
            case events.Logged():
                self.seen.models |= {event.key} if event.kind == "model" and not event.run else set()
                self.session.ran("vm", f"# the job logged {event.kind} {event.key}")
            case events.RunFinished():
                self.seen.finished = event
            case events.RunsListed() if event.runs:
                self.session.run_info = max(event.runs, key=lambda info: info.created)
            case events.Notice():
                self.say(event.text)
            case _:
                pass
        self.tell_head()

    def change(self, event: events.RunStateChanged) -> None:
        self.seen.change(event)
        self._tell(event.state)
        self.session.run_going = not self.seen.over

    def _ended(self) -> tuple[str, str]:
        self.following = ""
        finished = self.seen.finished
        if finished is None:
            return "warn", "The run said nothing of its end"
        self.session.run_going = False
        mark = words.RUN[finished.status]
        if finished.status == "completed":
            self.session.journey.finish(self.STEP, self.seen.run, mark.word)
            then = "Next registers its model." if self.seen.models else "It logged no model to register."
            return "pass", f"Completed. {then} {words.plural(len(finished.artifacts), 'artifact')} logged."
        self.session.journey.fail(self.STEP, mark.word)
        why = finished.reason or (f"exit code {finished.exit_code}" if finished.exit_code is not None else "")
        return "fail", f"The run {mark.word}{f': {why}' if why else ''}. Its log is complete above; 4 launches it anew."

    def tell_head(self) -> None:
        self.query_one(RunHead).tell(self.seen, self.key("wizard.retry", "r"))

    def _tell(self, state: str) -> None:
        self.chart.tell(state)
        self.resources.tell(state)

    def _prefer(self, settings: Resolved) -> None:
        self.log_panel.prefer(settings.preferences.log)

    def _keep(self, text: str) -> Path:
        return report.save(text, self.session.site, "copied.log")
