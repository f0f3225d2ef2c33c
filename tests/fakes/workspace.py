"""A workspace in memory, for screens and for tests of those who write to one."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import WorkspaceError
from core.events import ModelInfo, RunInfo, RunState
from core.workspace import RUN_TAG, Description, Metric, Op, Param, Tag, lineage


@dataclass
class Recorded:
    info: RunInfo
    tags: dict[str, str]
    metrics: set[tuple[str, int, float, float]] = field(default_factory=set)
    params: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    state: str = "running"
    ended: float | None = None


class FakeWorkspace:
    """Set `broken` to a WorkspaceError to have every method raise it."""

    def __init__(self) -> None:
        self.runs: dict[str, Recorded] = {}
        self.versions: list[ModelInfo] = []
        self.broken: WorkspaceError | None = None
        self._lock = threading.Lock()

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken

    def _run(self, run: str) -> Recorded:
        self._check()
        if run not in self.runs:
            raise WorkspaceError(f"run {run} is not recorded in this workspace")
        return self.runs[run]

    def describe(self) -> Description:
        self._check()
        names = {info.model for info in self.versions}
        return Description(kind="fake", location="memory", software="none", models=len(names))

    def ensure_run(self, info: RunInfo) -> None:
        self._check()
        self.runs.setdefault(info.run, Recorded(info, dict(info.tags) | lineage(info)))

    def write(self, run: str, ops: Sequence[Op]) -> list[str]:
        recorded = self._run(run)
        refused = []
        for op in ops:
            if isinstance(op, Metric):
                recorded.metrics.add((op.key, op.step, op.time, op.value))
            elif isinstance(op, Param) and recorded.params.setdefault(op.key, op.value) != op.value:
                refused.append(f"param {op.key}: Changing param values is not allowed.")
            elif isinstance(op, Tag) and op.key not in (RUN_TAG, "mlflow.parentRunId"):
                if op.value is None:
                    recorded.tags.pop(op.key, None)
                else:
                    recorded.tags[op.key] = op.value
        return refused

    def put_artifact(self, run: str, path: str, data: bytes) -> None:
        self._run(run).artifacts[path] = data

    def finish(self, run: str, state: RunState, ended: float) -> None:
        recorded = self._run(run)
        children = [other for other in self.runs.values() if other.info.parent == run]
        for each in [*children, recorded]:
            if each.ended is None:
                each.state, each.ended = state, ended

    def register(self, name: str, run: str, source: str, digest: str, tags: Mapping[str, str]) -> ModelInfo:
        self._check()
        with self._lock:
            known = [info for info in self.versions if info.model == name]
            for info in known:
                if (info.run, info.digest) == (run, digest):
                    return info
            every = {**tags, RUN_TAG: run, "trainshed.digest": digest}
            version = str(len(known) + 1)
            made = ModelInfo(model=name, version=version, run=run, tags=every, source=source, digest=digest)
            self.versions.append(made)
            return made

    def models(self) -> list[ModelInfo]:
        self._check()
        newest = {info.model: info for info in self.versions}
        return [newest[name] for name in sorted(newest)]

    def model(self, name: str, version: str | None = None) -> ModelInfo:
        self._check()
        known = [info for info in self.versions if info.model == name and version in (None, info.version)]
        if not known:
            raise WorkspaceError(f"there is no model {name!r}")
        return known[-1]
