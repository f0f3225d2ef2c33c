"""A run in short: the fields of `events.RunInfo`, from its files."""

from __future__ import annotations

import json
import os
from typing import Any, Dict

from . import queue, runfolder
from .states import TERMINAL, States
from .tail import Tail

TRACKING_LOG = os.path.join("tracking", "log.jsonl")


def info(folder: str) -> Dict[str, Any]:
    last = runfolder.settled(folder)
    job = runfolder.read_json(folder, "job.json")
    logged = _logged(folder, job["run"])
    root = os.path.dirname(os.path.dirname(folder))
    created = (States(folder).read() or [last])[0]
    return {
        "run": job["run"],
        "name": job.get("name") or "",
        "experiment": job.get("experiment") or "",
        "state": last["state"],
        "created": job.get("created") or created["time"],
        "ended": last["time"] if last["state"] in TERMINAL else None,
        "exit_code": last.get("exit_code"),
        "reason": last["reason"],
        "ahead": queue.ahead(root, job["run"]) if last["state"] == "created" else None,
        "peak_memory": last.get("peak_memory"),
        "cpu_s": last.get("cpu_s"),
        "parent": job.get("parent"),
        "owner": job.get("owner") or "",
        "command": job.get("command") or "",
        "code_digest": job.get("snapshot") or "",
        "environment": job.get("environment") or "",
        "engine": runfolder.read_json(folder, "policy.json").get("engine") or "",
        "data": {name: given["digest"] for name, given in (job.get("inputs") or {}).items()},
        "params": {**_texts(job.get("params")), **logged["params"]},
        "metrics": {key: value for key, (_, _, value) in logged["metrics"].items()},
        "tags": {**_texts(job.get("tags")), **logged["tags"]},
        "artifacts": sorted(logged["artifacts"]),
        "models": list(logged["models"]),
        "log_bytes": os.path.getsize(os.path.join(folder, runfolder.PASSED)),
    }


def _texts(values: Any) -> Dict[str, str]:
    return {key: str(value) for key, value in (values or {}).items()}


def _logged(folder: str, run: str) -> Dict[str, Any]:
    """What the run itself logged; its child runs are left out. Metrics are (step, time, value): the latest, as MLflow
    tells it; the other dicts keep the last value of a key."""
    found: Dict[str, Any] = {"params": {}, "metrics": {}, "tags": {}, "artifacts": {}, "models": {}}
    log = Tail(os.path.join(folder, TRACKING_LOG))
    lines = log.lines()
    while lines:
        for line in lines:
            _note(found, json.loads(line.decode()), run)
        lines = log.lines()
    return found


def _note(found: Dict[str, Any], record: Dict[str, Any], run: str) -> None:
    if record.get("run") != run:
        return
    op = record["op"]
    if op == "metric":
        point = (record["step"], record["time"], record["value"])
        if point[:2] >= found["metrics"].get(record["key"], point)[:2]:
            found["metrics"][record["key"]] = point
    elif op in ("param", "tag"):
        found[op + "s"][record["key"]] = record["value"]
    elif op == "artifact":
        found["artifacts"][record["path"]] = True
    elif op == "model":
        found["models"][record["name"]] = True
