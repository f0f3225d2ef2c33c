"""Routes for artifacts and for the files of logged models. Bodies go straight to disk, counted against a limit.

Runs' artifacts are below artifacts/<run>/, models below models/<model id>/. A folder that holds a file
`MLmodel` is a model, however it came there: its files are recorded as such, so that no client fetches them.
MLmodel need not come first, so what goes into a folder is recorded once the folder has been quiet for a moment.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
import uuid
from typing import Any, Dict, Iterator, List, Tuple

from .tracking_http import File, Request
from .tracking_rules import Refused, artifact_path, invalid, missing
from .tracking_store import FULL, Store

ARTIFACT_BYTES = 20 * 1024**3  # of one run together, unless its policy has `artifact_bytes`
FILES = 100_000  # of one run together
DEPTH = 32  # folders below each other
ENTRY_BYTES = 4096  # counted for each file and each folder: an empty one takes room, too
SETTLE_S = 2.0
MLMODEL = "MLmodel"


def in_model(folder: str, path: str) -> bool:
    """Whether `path` (relative to `folder`) is, or lies in, a folder that holds a file MLmodel."""
    parts = path.split("/")
    return any(os.path.isfile(os.path.join(folder, *parts[:depth], MLMODEL)) for depth in range(len(parts) + 1))


def files_below(folder: str) -> Iterator[str]:
    """Relative paths with "/", sorted."""
    found = []
    for base, _, names in os.walk(folder):
        for name in names:
            found.append(os.path.relpath(os.path.join(base, name), folder).replace(os.sep, "/"))
    return iter(sorted(found))


def sha256(path: str) -> str:
    total = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1024 * 1024), b""):
            total.update(chunk)
    return total.hexdigest()


def _missing(folder: str) -> int:
    """How many folders making this one makes."""
    count = 0
    while not os.path.isdir(folder):
        folder, count = os.path.dirname(folder), count + 1
    return count


class Artifacts:
    def __init__(self, store: Store, limit: int = ARTIFACT_BYTES) -> None:
        self.store = store
        self._limit = limit
        self._incoming = os.path.join(store.folder, "incoming")
        shutil.rmtree(self._incoming, ignore_errors=True)
        os.makedirs(self._incoming)
        self._lock = threading.Lock()
        self._held: Dict[Tuple[str, str], List[Dict[str, Any]]] = {}  # (run, top folder) -> ops to come
        self._coming: Dict[Tuple[str, str], int] = {}  # uploads under way
        self._quiet: Dict[Tuple[str, str], float] = {}  # since when, monotonic
        self._held_files = 0
        self._used = self._found()

    def _found(self) -> int:
        """Bytes on disk. What a crash left unrecorded is recorded."""
        used = self._entries(self.store.folder)
        for run in list(self.store.runs.values()):
            folder = self.folder(run.run)
            for path in files_below(folder):
                size = os.path.getsize(os.path.join(folder, path))
                used += size
                known = run.artifacts.get(path)
                digest = known["sha256"] if known and known["bytes"] == size else sha256(os.path.join(folder, path))
                if known is None or known["sha256"] != digest:
                    self.store.append([self._op(run.run, path, size, digest)])
        for model in self.store.models.values():
            if not model.path:  # else it is linked to files that were counted
                folder = self.model_folder(model.model_id)
                used += sum(os.path.getsize(os.path.join(folder, path)) for path in files_below(folder))
        return used

    def _entries(self, folder: str) -> int:
        """Bytes that are counted for the files and folders below, besides what is in them; counts the files."""
        count = 0
        for place in ("artifacts", "models"):
            for _, folders, files in os.walk(os.path.join(folder, place)):
                count += len(folders) + len(files)
                self._held_files += len(files)
        return count * ENTRY_BYTES

    def reserve(self, files: int) -> None:
        """Makes sure of room for so many more files. Raises Refused."""
        with self._lock:
            if self._held_files + files > FILES:
                raise Refused("RESOURCE_LIMIT_EXCEEDED", "a run may have %d artifacts together" % FILES)
            if self._used + files * ENTRY_BYTES > self._limit:
                raise self._too_much()
            self._held_files += files
            self._used += files * ENTRY_BYTES

    def folder(self, run: str) -> str:
        return os.path.join(self.store.folder, "artifacts", run)

    def model_folder(self, model_id: str) -> str:
        return os.path.join(self.store.folder, "models", model_id)

    def _op(self, run: str, path: str, size: int, digest: str) -> Dict[str, Any]:
        op = {"op": "artifact", "run": run, "path": path, "bytes": size, "sha256": digest}
        return dict(op, model=True) if in_model(self.folder(run), path) else op

    # addresses: EXPERIMENT/RUN/artifacts/PATH and EXPERIMENT/models/MODEL/artifacts/PATH

    def _place(self, address: str) -> Tuple[str, str, str]:
        """(run or "", model id or "", path or ""). Raises Refused for what leads elsewhere."""
        artifact_path(address)
        parts = address.split("/")
        if len(parts) >= 4 and parts[1] == "models" and parts[3] == "artifacts":
            return "", self.store.model(parts[2]).model_id, "/".join(parts[4:])
        if len(parts) >= 3 and parts[2] == "artifacts":
            return self.store.run(parts[1]).run, "", "/".join(parts[3:])
        raise invalid("Invalid path")

    def _base(self, run: str, model: str) -> str:
        return self.model_folder(model) if model else self.folder(run)

    def put(self, request: Request) -> Any:
        run, model, path = self._place(request.need("path"))
        if not path or path.count("/") > DEPTH:
            raise invalid("Invalid path")
        if model and self.store.model(model).status != "LOGGED_MODEL_PENDING":
            raise invalid("the model %s is complete: its files do not change any more" % model)
        key = (run, path.split("/")[0]) if run and "/" in path else None
        self._begin(key)
        try:
            part, size, digest = self._receive(request)
            self._keep(part, os.path.join(self._base(run, model), path), size)
            if run:
                self._record(key, self._op(run, path, size, digest))
        finally:
            self._end(key)
        return {}

    def _receive(self, request: Request) -> Tuple[str, int, str]:
        """(file, its size in bytes, its sha256)."""
        if request.size is not None and request.size > self._limit - self._used:
            raise self._too_much()
        part = os.path.join(self._incoming, uuid.uuid4().hex)
        total, size = hashlib.sha256(), 0
        try:
            with open(part, "wb") as file:
                for chunk in request.body:
                    self._count(len(chunk))
                    size += len(chunk)
                    total.update(chunk)
                    file.write(chunk)
        except BaseException as error:
            self._used -= size
            os.unlink(part)
            if isinstance(error, OSError) and error.errno in FULL:
                raise Refused("INTERNAL_ERROR", "the disk of the VM is full")
            raise
        return part, size, total.hexdigest()

    def _count(self, size: int) -> None:
        with self._lock:
            if self._used + size > self._limit:
                raise self._too_much()
            self._used += size

    def _too_much(self) -> Refused:
        return Refused("RESOURCE_LIMIT_EXCEEDED", "the artifacts of a run may have %d bytes together" % self._limit)

    def _keep(self, part: str, target: str, size: int) -> None:
        try:
            with self._lock:
                there = os.path.isfile(target)
                replaced = os.path.getsize(target) if there else 0
                more = 0 if there else (_missing(os.path.dirname(target)) + 1) * ENTRY_BYTES
                if not there and self._held_files >= FILES:
                    raise Refused("RESOURCE_LIMIT_EXCEEDED", "a run may have %d artifacts together" % FILES)
                if self._used + more > self._limit:
                    raise self._too_much()
                os.makedirs(os.path.dirname(target), exist_ok=True)
                os.replace(part, target)
                self._used += more - replaced
                self._held_files += 0 if there else 1
        except Refused:
            self._used -= size
            os.unlink(part)
            raise
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            self._used -= size
            os.unlink(part)
            raise invalid("Invalid path: a file and a folder would have the same name")

    def _begin(self, key: Any) -> None:
        if key:
            with self._lock:
                self._coming[key] = self._coming.get(key, 0) + 1

    def _end(self, key: Any) -> None:
        if key:
            with self._lock:
                self._coming[key] -= 1
                self._quiet[key] = time.monotonic()

    def _record(self, key: Any, op: Dict[str, Any]) -> None:
        if key is None:
            self.store.append([op])
        else:
            with self._lock:
                self._held.setdefault(key, []).append(op)

    def settle(self, all_of_it: bool = False) -> None:
        """Records what went into folders that have been quiet; `all_of_it`: into any folder."""
        now = time.monotonic()
        with self._lock:
            ripe = [
                key
                for key in self._held
                if all_of_it or (not self._coming.get(key) and now - self._quiet.get(key, now) >= SETTLE_S)
            ]
            ops = [op for key in ripe for op in self._held.pop(key)]
            for key in ripe:
                if not self._coming.get(key):
                    self._coming.pop(key, None)
                    self._quiet.pop(key, None)
        if ops:
            self.store.append([self._op(op["run"], op["path"], op["bytes"], op["sha256"]) for op in ops])

    def get(self, request: Request) -> Any:
        run, model, path = self._place(request.need("path"))
        target = os.path.join(self._base(run, model), path)
        if not path or not os.path.isfile(target):
            raise missing("Artifact", path)
        return File(target)

    def list(self, request: Request) -> Any:
        """By `mlflow-artifacts` address: names relative to the folder asked for."""
        run, model, path = self._place(str(request.need("path")).strip("/"))
        return {"files": self._files(os.path.join(self._base(run, model), path), "")}

    def list_of_run(self, request: Request) -> Any:
        """By run id: paths relative to the run's artifacts."""
        run = self.store.run(request.get("run_id") or request.get("run_uuid")).run
        path = str(request.get("path") or "").strip("/")
        folder = os.path.join(self.folder(run), artifact_path(path) if path else "")
        root = "mlflow-artifacts:/1/%s/artifacts" % run
        return {"root_uri": root, "files": self._files(folder, path + "/" if path else "")}

    @staticmethod
    def _files(folder: str, prefix: str) -> List[Dict[str, Any]]:
        if not os.path.isdir(folder):
            return []
        found: List[Dict[str, Any]] = []
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            known = {"path": prefix + entry.name, "is_dir": entry.is_dir()}
            found.append(known if entry.is_dir() else dict(known, file_size=entry.stat().st_size))
        return found

    def delete(self, request: Request) -> Any:
        run, model, path = self._place(request.need("path"))
        if model and self.store.model(model).status != "LOGGED_MODEL_PENDING":
            raise invalid("the model %s is complete: its files do not change any more" % model)
        self.settle(all_of_it=True)
        target = os.path.join(self._base(run, model), path)
        below = [os.path.join(target, name) for name in files_below(target)] or [target]
        gone = [name for name in below if os.path.isfile(name)]
        folders = sum(len(inside) for _, inside, _ in os.walk(target)) + os.path.isdir(target)
        freed = sum(os.path.getsize(name) for name in gone) + (len(gone) + folders) * ENTRY_BYTES
        if os.path.isdir(target):
            shutil.rmtree(target)
        elif os.path.isfile(target):
            os.unlink(target)
        else:
            return {}
        with self._lock:
            self._used -= freed
            self._held_files -= len(gone)
        if run:
            self.store.append([{"op": "artifact.deleted", "run": run, "path": path}])
        return {}

    def multipart(self, _request: Request) -> Any:
        raise Refused(
            "NOT_IMPLEMENTED", "Multipart upload is not supported for the current artifact repository (trainshed)"
        )
