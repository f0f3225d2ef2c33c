"""The six steps of the wizard and what is known about each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["todo", "going", "done", "failed", "stale"]


@dataclass(frozen=True)
class Step:
    id: str
    title: str
    does: str
    needs: tuple[str, ...] = ()  # when one of these has a new result, this one is stale


STEPS = (
    Step("connect", "Connect", "Reach the VM over SSH, compare its host key, and see what it has."),
    Step("check", "Check", "See how the VM's SSH server and the way to the data are secured.", ("connect",)),
    Step("data", "Data", "Follow the path from the VM to the container, then stage the data on the VM.", ("connect",)),
    Step("launch", "Launch", "Run a job in the sandbox: it has the data and no network.", ("data",)),
    Step("watch", "Watch", "Follow a run's log and metrics. It goes on while you look elsewhere.", ("launch",)),
    Step("model", "Model", "Register the run's model, package it, serve it on the VM, ask it.", ("watch",)),
)
BY_ID = {step.id: step for step in STEPS}
ORDER = tuple(step.id for step in STEPS)


@dataclass
class Known:
    """What is known of one step besides its state."""

    result: str | None = None  # tells results apart; None: it was never done
    at: float = 0.0  # when it ended, in seconds since the epoch
    earlier: bool = False  # not in this session
    cause: str = ""  # of being stale, in two words: "Connect changed"
    because: str = ""  # the same in a sentence
    note: str = ""  # of what came of it: a failure since then has none


class Journey:
    """The state of every step, and a note of each: a new result makes what builds on it stale."""

    def __init__(self) -> None:
        self.states: dict[str, State] = dict.fromkeys(ORDER, "todo")
        self.notes: dict[str, str] = dict.fromkeys(ORDER, "")
        self.known: dict[str, Known] = {step: Known() for step in ORDER}
        self.on_change: Callable[[], None] = lambda: None
        self._before: dict[str, State] = {}

    def begin(self, step: str) -> None:
        if self.states[step] != "going":
            self._before[step] = self.states[step]
        self._set(step, "going")

    def finish(self, step: str, result: str, note: str = "") -> None:
        before, noted = self.known[step].result, self.notes[step]
        self.known[step] = Known(result, time.time(), note=note)
        self.notes[step] = note
        self._set(step, "done")
        if before != result and (before is not None or self._of_another_run(step, result)):
            title = BY_ID[step].title
            was = f": it was {noted}, it is {note}" if noted and note != noted else ""
            self.outdate(step, f"{title} changed", f"{title} has a new result since{was}")

    def _of_another_run(self, step: str, result: str) -> bool:
        """A first launch, where what Watch tells is of a run that was there before."""
        return step == "launch" and self.known["watch"].result not in (None, result)

    def fail(self, step: str, note: str = "") -> None:
        self.notes[step] = note
        self.known[step].at, self.known[step].earlier = time.time(), False
        self._set(step, "failed")

    def stop(self, step: str) -> None:
        """The step was given up: it is what it was before."""
        self._set(step, self._before.get(step, "todo"))

    def withdraw(self, step: str) -> None:
        """What failed is mended, or given up for something else: what came of the step before holds again."""
        if self.states[step] == "failed":
            known = self.known[step]
            self.notes[step] = known.note
            self._set(step, "todo" if known.result is None else "done")

    def forget(self, step: str) -> None:
        """Why the step failed is gone: what came of it before may hold, or it was never done."""
        if self.states[step] == "failed":
            known, self.notes[step] = self.known[step], ""
            known.cause, known.because = "link was lost", "the connection was lost since, and is there again"
            self._set(step, "stale" if known.result is not None else "todo")

    def told(self, step: str) -> str:
        """Why the step is as it is, where there is more to say than its state: a sentence."""
        state, known = self.states[step], self.known[step]
        if state == "stale":
            return f"Stale: {known.because}." if known.because else "Stale: what it builds on changed since."
        if state in ("done", "failed") and known.earlier:
            note = f": {self.notes[step]}" if self.notes[step] else ""
            return f"{state.capitalize()} on {time.strftime('%d %b at %H:%M', time.localtime(known.at))}{note}."
        return ""

    def settled(self, step: str) -> State:
        """Its state; while it is going, the one before."""
        return self._before.get(step, "todo") if self.states[step] == "going" else self.states[step]

    def outdate(self, changed: str, cause: str, because: str) -> None:
        """What builds on `changed` is stale."""
        for step in STEPS:
            if changed in step.needs:
                built = self.states[step.id] in ("done", "failed")
                (self.mark if built else self.outdate)(step.id, cause, because)

    def mark(self, step: str, cause: str, because: str) -> None:
        """The step is stale, and what builds on it."""
        self.known[step].cause, self.known[step].because = cause, because
        self._set(step, "stale")
        self.outdate(step, cause, because)

    def undone(self, step: str, cause: str, because: str) -> None:
        """What came of the step is not there any more; what was built on it meanwhile is."""
        if self.states[step] == "done":
            self.known[step].cause, self.known[step].because = cause, because
            self._set(step, "stale")

    def _set(self, step: str, state: State) -> None:
        self.states[step] = state
        self.on_change()
