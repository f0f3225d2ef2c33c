"""A run as it happens: its log on stdout, or every event as a line of JSON."""

from __future__ import annotations

from core import events

from .driver import Job
from .equal import equal_command
from .tables import text

STREAMED = (
    events.Phase | events.Progress | events.Notice | events.BuildLog | events.RunCreated | events.RunStateChanged
    | events.Queued | events.Resources | events.LogText | events.Metric | events.Logged
    | events.LinkChanged | events.LinkTry | events.RunFinished
)  # fmt: skip


class Printed:
    """Prints what belongs to a run: with `states` more than its log, where that is JSON."""

    def __init__(self, job: Job, *, states: bool = True) -> None:
        self._job = job
        self._states = states

    def see(self, event: events.Event) -> None:
        output = self._job.output
        if output.json:
            if isinstance(event, events.LogText) or (self._states and isinstance(event, STREAMED)):
                output.stream(event)
        elif isinstance(event, events.LogText):
            output.log(event.text)


def summary(job: Job, ended: events.RunFinished) -> None:
    """How the run ended, as narration: stdout has its log."""
    for line in text(ended):
        job.output.note(line, "good" if ended.status == "completed" else "bad")
    if ended.status == "lost":
        again = equal_command(job.settings.found, "rerun", ended.run, "--resume")
        job.output.note(f"it can go on from its outputs/checkpoints: {again}")
