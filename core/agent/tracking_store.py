"""What a run and its child runs logged: an append-only `log.jsonl`, and its latest state in memory.

A line is one operation with `seq` from 1, `op` and `run`. Every change goes through `append`: written,
flushed, then applied; opening the folder again applies the same lines. The ops that a workspace needs:
metric, param, tag, artifact, model, register, run, status. The others keep the server's own state.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from .tracking_rules import Refused, invalid, missing

LOG = "log.jsonl"
LOG_BYTES = 2 * 1024**3
LINE_BYTES = 512 * 1024  # readers of the log read 1 MiB at a time
Point = Tuple[str, int, float, str]
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Run:
    def __init__(self, run: str, name: str, parent: Optional[str], start: float) -> None:
        self.run = run
        self.name = name
        self.parent = parent
        self.status = "RUNNING"
        self.start = start
        self.end: Optional[float] = None
        self.params: Dict[str, str] = {}
        self.tags: Dict[str, str] = {}
        self.metrics: Dict[str, Tuple[int, float, float]] = {}  # key -> (step, time, value) of the latest
        self.artifacts: Dict[str, Dict[str, Any]] = {}
        self.inputs: List[Dict[str, Any]] = []
        self.outputs: List[Dict[str, Any]] = []


class Model:
    def __init__(self, model_id: str, op: Dict[str, Any]) -> None:
        self.model_id = model_id
        self.run: str = op["run"]
        self.name: str = op["name"]
        self.kind: str = op.get("type") or ""
        self.params: Dict[str, str] = dict(op.get("params") or {})
        self.tags: Dict[str, str] = dict(op.get("tags") or {})
        self.metrics: Dict[str, Tuple[int, float, float]] = {}
        self.status = "LOGGED_MODEL_PENDING"
        self.created: float = op["time"]
        self.updated: float = op["time"]
        self.digest = ""
        self.path: str = op.get("path") or ""  # where a MLflow 2 client put it among the run's artifacts


class Store:
    """All methods may be called from several threads; use `lock` for what must not change in between."""

    def __init__(self, folder: str, job: Dict[str, Any], clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        self.clock = clock
        self.root: str = job["run"]
        self.experiment: str = job.get("experiment") or "Default"
        self.experiment_tags: Dict[str, str] = {}
        self.runs: Dict[str, Run] = {}
        self.models: Dict[str, Model] = {}
        self.registered: Dict[str, List[Dict[str, Any]]] = {}  # name -> its versions of this run
        self.seq = 0
        self._start(job)
        self._path = os.path.join(folder, LOG)
        self._replay()
        self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115 - closed by close()
        self._size = os.path.getsize(self._path)

    def _start(self, job: Dict[str, Any]) -> None:
        created = float(job.get("created") or self.clock())
        run = Run(self.root, job.get("name") or self.root, job.get("parent"), created)
        run.tags.update({key: str(value) for key, value in (job.get("tags") or {}).items()})
        run.tags["mlflow.user"] = str(job.get("owner") or "")
        run.tags["mlflow.runName"] = run.name
        self.runs[self.root] = run

    def _replay(self) -> None:
        """A last line that was cut by a crash is taken away: it was never answered."""
        if not os.path.exists(self._path):
            return
        whole = 0
        with open(self._path, "rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                op = json.loads(line.decode())
                self.seq = op["seq"]
                self.apply(op)
                whole += len(line)
        if whole < os.path.getsize(self._path):
            os.truncate(self._path, whole)

    def append(self, ops: Iterable[Dict[str, Any]]) -> None:
        """All of them or none. Raises Refused where the log or the disk is full, or the run is over."""
        with self.lock:
            numbered = [dict(op, seq=self.seq + index) for index, op in enumerate(ops, 1)]
            lines = [json.dumps(op, separators=(",", ":")) + "\n" for op in numbered]
            if any(len(line) > LINE_BYTES for line in lines):
                raise invalid("what was logged at once is more than %d bytes long" % LINE_BYTES)
            text = "".join(lines).encode()
            if self._file.closed:
                raise Refused("PERMISSION_DENIED", "the run is over: nothing more is recorded")
            if self._size + len(text) > LOG_BYTES:
                raise Refused("RESOURCE_LIMIT_EXCEEDED", "the run has logged %d bytes already" % self._size)
            self._write(text)
            for op in numbered:
                self.seq = op["seq"]
                self.apply(op)

    def _write(self, text: bytes) -> None:
        view = memoryview(text)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            os.ftruncate(self._file.fileno(), self._size)
            if error.errno in FULL:
                raise Refused("INTERNAL_ERROR", "the disk of the VM is full")
            raise
        self._size += len(text)

    def close(self) -> None:
        with self.lock:
            if not self._file.closed:
                os.fsync(self._file.fileno())
                self._file.close()

    def apply(self, op: Dict[str, Any]) -> None:
        _APPLY[op["op"]](self, op)

    def run(self, run: Any) -> Run:
        found = self.runs.get(run) if isinstance(run, str) else None
        if found is None:
            raise missing("Run with id", str(run))
        return found

    def model(self, model_id: Any) -> Model:
        found = self.models.get(model_id) if isinstance(model_id, str) else None
        if found is None:
            raise missing("Logged model with ID", str(model_id))
        return found

    def recorded(self, run: str, points: List[Dict[str, Any]]) -> Set[Point]:
        """Those that the log has. One that is later than the latest of its key cannot be there."""
        latest = self.run(run).metrics
        old = [op for op in points if op["key"] in latest and op["time"] <= latest[op["key"]][1]]
        wanted = {point(op) for op in old}
        found: Set[Point] = set()
        for key in {op["key"] for op in old}:
            found |= {point(op) for op in self.history(run, key)} & wanted
        return found

    def history(self, run: str, key: str) -> Iterator[Dict[str, Any]]:
        """Every value of a metric, from the file: memory holds the latest only."""
        needle = json.dumps(key).encode()
        with open(self._path, "rb") as file:
            for line in file:
                if needle in line and line.endswith(b"\n"):
                    op = json.loads(line.decode())
                    if op["op"] == "metric" and op["key"] == key and op["run"] == run:
                        yield op


def point(op: Dict[str, Any]) -> Point:
    """What makes two metric ops the same; NaN equals NaN."""
    return op["key"], op["step"], op["time"], repr(op["value"])


def _metric(store: Store, op: Dict[str, Any]) -> None:
    """The latest is that of the highest step, then the latest time, then the highest value, as at MLflow."""
    point = (op["step"], op["time"], op["value"])
    places = [store.runs[op["run"]].metrics] if op["op"] == "metric" else []
    if op.get("model_id") in store.models:
        places.append(store.models[op["model_id"]].metrics)
    for metrics in places:
        known = metrics.get(op["key"])
        if known is None or point[:2] > known[:2] or (point[:2] == known[:2] and not point[2] < known[2]):
            metrics[op["key"]] = point


def _tag(store: Store, op: Dict[str, Any]) -> None:
    run = store.runs[op["run"]]
    run.tags[op["key"]] = op["value"]
    if op["key"] == "mlflow.runName":
        run.name = op["value"]


def _run(store: Store, op: Dict[str, Any]) -> None:
    run = store.runs.setdefault(op["run"], Run(op["run"], op["name"], op["parent"], op["time"]))
    run.tags["mlflow.runName"] = op["name"]
    run.tags["mlflow.parentRunId"] = op["parent"]


def _status(store: Store, op: Dict[str, Any]) -> None:
    run = store.runs[op["run"]]
    run.status = op["status"]
    run.end = op["time"] if op["status"] in ("FINISHED", "FAILED", "KILLED") else None


def _artifact_deleted(store: Store, op: Dict[str, Any]) -> None:
    artifacts = store.runs[op["run"]].artifacts
    for path in [path for path in artifacts if op["path"] in ("", path) or path.startswith(op["path"] + "/")]:
        del artifacts[path]


def _model(store: Store, op: Dict[str, Any]) -> None:
    model = store.models[op["model_id"]]
    model.status, model.digest = "LOGGED_MODEL_READY", op["digest"]
    model.updated = op.get("time", model.updated)


def _model_data(store: Store, op: Dict[str, Any]) -> None:
    model = store.models[op["model_id"]]
    model.params.update(op.get("params") or {})
    model.tags.update(op.get("tags") or {})
    model.status = op.get("status") or model.status
    model.updated = op["time"]


def _register(store: Store, op: Dict[str, Any]) -> None:
    versions = store.registered.setdefault(op["name"], [])
    versions.append(dict(op, version=str(len(versions) + 1)))


_APPLY: Dict[str, Callable[[Store, Dict[str, Any]], Any]] = {
    "metric": _metric,
    "model.metric": _metric,  # the run has it already
    "param": lambda store, op: store.runs[op["run"]].params.update({op["key"]: op["value"]}),
    "tag": _tag,
    "untag": lambda store, op: store.runs[op["run"]].tags.pop(op["key"], None),
    "run": _run,
    "status": _status,
    "artifact": lambda store, op: store.runs[op["run"]].artifacts.update({op["path"]: op}),
    "artifact.deleted": _artifact_deleted,
    "model.created": lambda store, op: store.models.update({op["model_id"]: Model(op["model_id"], op)}),
    "model.data": _model_data,
    "model.untag": lambda store, op: store.models[op["model_id"]].tags.pop(op["key"], None),
    "model": _model,
    "register": _register,
    "registered": lambda store, op: store.registered.setdefault(op["name"], []),
    "input": lambda store, op: store.runs[op["run"]].inputs.append(op),
    "output": lambda store, op: store.runs[op["run"]].outputs.append(op),
    "experiment.tag": lambda store, op: store.experiment_tags.update({op["key"]: op["value"]}),
}
