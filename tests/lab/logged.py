"""A run's folder on a "VM" with what a job would have logged in it, made by the agent's own store."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from core.agent import runfolder
from core.agent.states import States
from core.agent.tracking_store import Store

START = 1_700_000_000.0


class LoggedRun:
    """Goes on until `end`; holds the supervisor's lock meanwhile."""

    def __init__(self, root: Path, run: str) -> None:
        self.run = run
        self.folder = root / "runs" / run
        (self.folder / "tracking").mkdir(parents=True)
        job = {"run": run, "name": "logged", "experiment": "forwarding", "command": "true", "created": START}
        job.update(tags={"asked": "yes"}, params={"epochs": "3"}, snapshot="c0de", environment="e1")
        job["inputs"] = {"rows": {"digest": "da7a", "path": "", "kind": "uri_folder"}}
        for name, content in (("job.json", job), ("policy.json", {})):
            (self.folder / name).write_text(json.dumps(content))
        for name in (runfolder.RAW, runfolder.PASSED):
            (self.folder / name).touch()
        self.states = States(str(self.folder))
        self._lock = runfolder.take(str(self.folder))
        for before, state in (("", "created"), ("created", "preparing"), ("preparing", "running")):
            assert self.states.append([before], state)
        self.store = Store(str(self.folder / "tracking"), job)

    def log(self, *ops: dict[str, Any]) -> None:
        self.store.append([{"run": self.run, **op} for op in ops])

    def metrics(self, first: int, count: int, key: str = "loss") -> None:
        points = ({"value": step / 7, "step": step, "time": START + step} for step in range(first, first + count))
        self.log(*({"op": "metric", "key": key, **point} for point in points))

    def artifact(self, path: str, data: bytes, **more: Any) -> None:
        target = self.folder / "tracking" / "artifacts" / self.run / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        self.log({"op": "artifact", "path": path, "bytes": len(data), "sha256": digest, **more})

    def everything(self) -> None:
        """Something of each kind."""
        self.metrics(0, 3000)
        self.log({"op": "param", "key": "lr", "value": "0.1"}, {"op": "tag", "key": "colour", "value": "blue"})
        child = {"run": "c" * 32}
        self.log({**child, "op": "run", "parent": self.run, "name": "inner", "time": START + 1})
        self.log({**child, "op": "metric", "key": "z", "value": 1.0, "step": 0, "time": START + 2})
        self.log({**child, "op": "status", "status": "FINISHED", "time": START + 3})
        self.artifact("notes/a.txt", b"hello")
        self.artifact("big.bin", b"x" * 1_100_000)
        self.artifact("saved/MLmodel", b"m", model=True)
        self.artifact("saved/model.pkl", b"p", model=True)
        model = {"model_id": "m-1", "name": "model"}
        self.log({**model, "op": "model.created", "time": START}, {**model, "op": "model", "files": [], "digest": "d1"})
        self.log({**model, "op": "registered", "name": "demo"})
        registered = {"op": "register", "name": "demo", "model": "model", "digest": "d1", "tags": {"from": "job"}}
        self.log({**model, **registered, "time": START})

    def end(self, state: str = "completed") -> None:
        self.store.close()
        assert self.states.append(["running"], state, "", exit_code=0)
        assert self._lock is not None
        os.close(self._lock)
