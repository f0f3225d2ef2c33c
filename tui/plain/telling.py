"""What an event means, as sentences that can be read aloud."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from core import events

from .. import tables
from ..narration import narrate
from ..output import Output
from ..text import harmless
from ..words import STATUS, amount, duration, memory, number, plural

CALM_S = 10.0  # between two sentences of the same kind
NAMED = 6  # metrics in one sentence
LISTED = 4  # of each list: the rest is counted
LAST_LINES = 20  # of a build, for when it fails


class Teller:
    """Tells the events of one operation; a job's lines begin with `log:`, so that none can pass for ours."""

    def __init__(self, output: Output, clock: Callable[[], float]) -> None:
        self._output = output
        self._clock = clock
        self._told: dict[str, float] = {}
        self._metrics: dict[str, events.Metric] = {}
        self._line = ""  # of the log, still without its end
        self._listed = 0  # lines of the list that is being told
        self.build: deque[str] = deque(maxlen=LAST_LINES)

    def tell(self, event: events.Event) -> None:
        if not _is_of_a_list(event):
            self._end_list()
        match event:
            case events.Notice() if _is_of_a_list(event):
                self._listed += 0 if event.text.lstrip().startswith("--hash") else 1
                if self._listed <= LISTED:
                    self._output.note(f"  {event.text}")
            case events.BuildLog():
                self._build(event.text)
            case events.LogText():
                self._log(event.text)
            case events.Metric():
                self._metrics[event.key] = event
                if self._due("metrics"):
                    self._tell_metrics()
            case events.Progress():
                if self._due("progress"):
                    self._output.note(f"{event.title}: {_amount(event)}.")
            case events.CheckFinished():
                self._output.lines(check(event))
            case events.ChecksFinished():
                self._output.lines([counted(event)])
            case events.Resources():
                if self._due("resources"):
                    self._output.note(f"The run uses {event.cpu:.1f} processors and {memory(event.memory)}.")
            case events.Logged():
                self._output.note(f"The job logged the {event.kind} {event.key}{_value(event)}.")
            case events.JobResolved() if not (event.asked or event.not_asked):
                pass  # another one follows a look, with what the VM has; a launch was looked at
            case events.RunFinished():
                self.end()
                self._output.lines(tables.text(event))
            case _ if type(event) in tables.WRITERS and not isinstance(event, events.RunStateChanged):
                self._output.lines(tables.text(event))
            case _:
                narrate(event, self._output)

    def end(self) -> None:
        """What was held back: the last line of a log, the last values."""
        self._end_list()
        if self._line:
            self._log("\n")
        if self._metrics:
            self._tell_metrics()

    def _end_list(self) -> None:
        if self._listed > LISTED:
            self._output.note(f"    and {self._listed - LISTED} more")
        self._listed = 0

    def _build(self, text: str) -> None:
        """Much comes and little of it matters: a line in a while, the last ones where the build fails."""
        self.build.extend(harmless(line) for line in text.splitlines() if line.strip())
        if self.build and self._due("build"):
            self._output.note(f"The build goes on: {self.build[-1].strip()}")

    def _due(self, kind: str) -> bool:
        """At most one in a while, and the first only after one."""
        now = self._clock()
        if now - self._told.setdefault(kind, now) < CALM_S:
            return False
        self._told[kind] = now
        return True

    def _log(self, text: str) -> None:
        *whole, self._line = (self._line + text).split("\n")
        self._output.lines(f"log: {harmless(line.rpartition(chr(13))[2] or line)}" for line in whole)

    def _tell_metrics(self) -> None:
        step = max(metric.step for metric in self._metrics.values())
        shown = [f"{harmless(key)} {number(metric.value)}" for key, metric in list(self._metrics.items())[:NAMED]]
        more = f", and {len(self._metrics) - NAMED} more" if len(self._metrics) > NAMED else ""
        self._output.note(f"Metrics at step {step}: {', '.join(shown)}{more}.")
        self._metrics.clear()


def _is_of_a_list(event: events.Event) -> bool:
    return isinstance(event, events.Notice) and event.level == "info" and event.text.startswith(" ")


def _amount(progress: events.Progress) -> str:
    share = f", {100 * progress.done // progress.total} percent" if progress.total else ""
    return amount(progress) + share


def _value(event: events.Logged) -> str:
    return f" = {event.value}" if event.value else ""


def check(found: events.CheckFinished) -> list[str]:
    """A finding in one sentence; what is wrong or weak with what to do."""
    severity = f" ({found.severity})" if found.status in ("fail", "warn") else ""
    lines = [f"{STATUS[found.status].word}{severity}: {found.title}. Found: {found.evidence}"]
    if found.status in ("fail", "warn"):
        lines += [f"  {label}: {text}" for label, text in (("Expected", found.expected), ("Fix", found.fix)) if text]
    return [harmless(line) for line in lines]


def counted(event: events.ChecksFinished) -> str:
    said = ", ".join(f"{count} {STATUS[status].word}" for status, count in event.counts.items() if count)
    total = sum(event.counts.values())
    return f"{plural(total, 'check')} in {duration(event.duration_s)}: {said or 'none'}."
