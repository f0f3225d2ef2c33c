"""The six steps of the wizard and what is known about each."""

from __future__ import annotations

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
    Step("watch", "Watch", "Follow a run's log and metrics. It goes on without you.", ("launch",)),
    Step("model", "Model", "Register the run's model, package it, serve it on the VM, ask it.", ("watch",)),
)
BY_ID = {step.id: step for step in STEPS}
ORDER = tuple(step.id for step in STEPS)


class Journey:
    """The state of every step. `result` tells results apart: a new one makes what builds on it stale."""

    def __init__(self) -> None:
        self.states: dict[str, State] = dict.fromkeys(ORDER, "todo")
        self.notes: dict[str, str] = dict.fromkeys(ORDER, "")
        self.on_change: Callable[[], None] = lambda: None
        self._results: dict[str, str] = {}
        self._before: dict[str, State] = {}

    def begin(self, step: str) -> None:
        if self.states[step] != "going":
            self._before[step] = self.states[step]
        self._set(step, "going")

    def finish(self, step: str, result: str, note: str = "") -> None:
        known = self._results.get(step)
        self._results[step], self.notes[step] = result, note
        self._set(step, "done")
        if known is not None and known != result:
            self._make_stale(step)

    def fail(self, step: str, note: str = "") -> None:
        self.notes[step] = note
        self._set(step, "failed")

    def stop(self, step: str) -> None:
        """The step was given up: it is what it was before."""
        self._set(step, self._before.get(step, "todo"))

    def forget(self, step: str) -> None:
        """Why the step failed is gone: what came of it before may hold, or it was never done."""
        if self.states[step] == "failed":
            self.notes[step] = ""
            self._set(step, "stale" if step in self._results else "todo")

    def _make_stale(self, changed: str) -> None:
        for step in STEPS:
            if changed in step.needs and self.states[step.id] in ("done", "failed"):
                self._set(step.id, "stale")
                self._make_stale(step.id)

    def _set(self, step: str, state: State) -> None:
        self.states[step] = state
        self.on_change()
