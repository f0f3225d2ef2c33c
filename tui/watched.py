"""What is known of the run that is open in Watch, and how much of it was read: a second look goes on from there."""

from __future__ import annotations

from dataclasses import dataclass, field

from core import events

from .text import printable


@dataclass
class Watched:
    """`read`, `metrics`, `states`, `measured`: how far the log (in bytes), the metrics and states (in number) and the
    resources (in time) were taken in. Whoever follows the run again gets them again, but for the log.
    """

    run: str = ""
    name: str = ""
    experiment: str = ""
    state: events.RunState | None = None
    reason: str = ""
    ahead: int | None = None  # runs that come before it, while it waits for its turn
    params: dict[str, str] = field(default_factory=dict)
    models: set[str] = field(default_factory=set)  # that it logged itself
    finished: events.RunFinished | None = None
    began: float | None = None
    ended: float | None = None
    left: float | None = None  # when it was not followed any more, and had not ended
    gone: bool = False  # the VM has no such run any more
    anew: bool = False  # what is shown gives way to the first of what comes
    read: int = 0
    metrics: int = 0
    states: int = 0
    measured: float = 0.0
    _again: dict[str, int] = field(default_factory=dict)  # metrics and states that come again

    @property
    def over(self) -> bool:
        return self.state in events.TERMINAL

    @property
    def silent(self) -> bool:
        """It has ended, and neither printed nor logged anything."""
        return self.finished is not None and not (self.read or self.metrics)

    def know(self, info: events.RunInfo | None) -> None:
        """What a list of runs said of it."""
        if info is not None:
            self.name, self.experiment = printable(info.name), printable(info.experiment)
            self.state, self.ahead = self.state or info.state, info.ahead

    def begin(self) -> int:
        """It is followed from now on; the byte of the log to begin at."""
        self.left, self.gone = None, False
        self._again = {"metrics": self.metrics, "states": self.states}
        return self.read

    def forget_log(self) -> None:
        """The VM's log is another one: what was read of it does not count."""
        self.read, self.metrics, self.measured, self.anew = 0, 0, 0.0, True

    def text(self, event: events.LogText) -> str:
        """What of it is new."""
        known = self.read - event.offset
        self.read = max(self.read, event.offset + event.size)
        if known <= 0:
            return event.text
        return "" if known >= event.size else event.text.encode()[known:].decode(errors="replace")

    def is_new(self, event: events.Metric | events.RunStateChanged | events.Resources) -> bool:
        """Takes it in; False for what was taken in before."""
        if isinstance(event, events.Resources):
            new, self.measured = event.time > self.measured, max(self.measured, event.time)
            return new
        what = "metrics" if isinstance(event, events.Metric) else "states"
        if self._again.get(what, 0) > 0:
            self._again[what] -= 1
            return False
        if what == "metrics":
            self.metrics += 1
        else:
            self.states += 1
        return True

    def change(self, event: events.RunStateChanged) -> None:
        self.state, self.reason = event.state, event.reason
        self.began = event.time if self.began is None else self.began
        self.ended = event.time if self.over else None
        self.ahead = self.ahead if event.state == "created" else None
