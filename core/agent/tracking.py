"""MLflow's REST tracking and artifact routes on a unix socket: what plain `mlflow` in a job talks to.

The socket is `tracking.sock` in the run's folder `tracking`. The folder is private; the socket may be
connected to by anybody whom it is given to, because a job runs as another user. What is recorded goes
to `tracking/log.jsonl` (see tracking_store.py). Opening the folder again goes on where the last one ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import threading
from typing import Any, Dict, List, Optional, Pattern, Tuple
from urllib.parse import unquote

from .faults import Fault
from .tracking_artifacts import ARTIFACT_BYTES, Artifacts
from .tracking_http import Handler, Request, Route
from .tracking_models import Models
from .tracking_rules import Refused, invalid
from .tracking_runs import Runs
from .tracking_store import Store

SOCKET = "tracking.sock"
CONNECTIONS = 256  # more wait to be accepted
SETTLE_LOOK_S = 0.5
LEVEL = "3.0.0"  # MLflow's level of what is answered here: newer clients then leave out what came later

# method, path after the API's prefix ({name}: one part, {name*}: the rest), what answers, is the body raw
ROUTES: List[Tuple[str, str, str, bool]] = [
    ("GET", "/mlflow/experiments/get-by-name", "runs.experiment_by_name", False),
    ("GET", "/mlflow/experiments/get", "runs.experiment_get", False),
    ("POST", "/mlflow/experiments/create", "runs.experiment_create", False),
    ("POST", "/mlflow/experiments/search", "runs.experiment_search", False),
    ("GET", "/mlflow/experiments/search", "runs.experiment_search", False),
    ("POST", "/mlflow/experiments/set-experiment-tag", "runs.experiment_tag", False),
    ("POST", "/mlflow/experiments/update", "runs.refuse", False),
    ("POST", "/mlflow/experiments/delete", "runs.refuse", False),
    ("POST", "/mlflow/experiments/restore", "runs.refuse", False),
    ("POST", "/mlflow/runs/create", "runs.create", False),
    ("GET", "/mlflow/runs/get", "runs.get", False),
    ("POST", "/mlflow/runs/update", "runs.update", False),
    ("POST", "/mlflow/runs/search", "runs.search", False),
    ("POST", "/mlflow/runs/delete", "runs.refuse", False),
    ("POST", "/mlflow/runs/restore", "runs.refuse", False),
    ("POST", "/mlflow/runs/log-metric", "runs.log_metric", False),
    ("POST", "/mlflow/runs/log-parameter", "runs.log_parameter", False),
    ("POST", "/mlflow/runs/log-batch", "runs.log_batch", False),
    ("POST", "/mlflow/runs/set-tag", "runs.set_tag", False),
    ("POST", "/mlflow/runs/delete-tag", "runs.delete_tag", False),
    ("POST", "/mlflow/runs/log-inputs", "runs.log_inputs", False),
    ("POST", "/mlflow/runs/outputs", "runs.log_outputs", False),
    ("POST", "/mlflow/runs/log-model", "models.log_model", False),
    ("GET", "/mlflow/metrics/get-history", "runs.history", False),
    ("GET", "/mlflow/artifacts/list", "artifacts.list_of_run", False),
    ("POST", "/mlflow/logged-models", "models.create", False),
    ("POST", "/mlflow/logged-models/search", "models.search", False),
    ("GET", "/mlflow/logged-models/{model_id}", "models.get", False),
    ("PATCH", "/mlflow/logged-models/{model_id}", "models.finalize", False),
    ("POST", "/mlflow/logged-models/{model_id}/params", "models.log_params", False),
    ("PATCH", "/mlflow/logged-models/{model_id}/tags", "models.set_tags", False),
    ("DELETE", "/mlflow/logged-models/{model_id}/tags/{key*}", "models.delete_tag", False),
    ("POST", "/mlflow/registered-models/create", "models.register_name", False),
    ("GET", "/mlflow/registered-models/get", "models.registered", False),
    ("POST", "/mlflow/model-versions/create", "models.create_version", False),
    ("GET", "/mlflow/model-versions/get", "models.version", False),
    ("GET", "/mlflow/model-versions/search", "models.search_versions", False),
    ("GET", "/mlflow/model-versions/get-download-uri", "models.download_uri", False),
    ("GET", "/mlflow/server-info", "server_info", False),
    ("GET", "/mlflow-artifacts/artifacts", "artifacts.list", False),
    ("PUT", "/mlflow-artifacts/artifacts/{path*}", "artifacts.put", True),
    ("GET", "/mlflow-artifacts/artifacts/{path*}", "artifacts.get", True),
    ("DELETE", "/mlflow-artifacts/artifacts/{path*}", "artifacts.delete", True),
    ("POST", "/mlflow-artifacts/mpu/{step}/{path*}", "artifacts.multipart", False),
    ("GET", "/mlflow-artifacts/presigned/{path*}", "artifacts.multipart", False),
]
_PREFIX = re.compile(r"/(?:ajax-)?api/[23]\.0(?:/preview)?(?=/mlflow)")


def _pattern(path: str) -> Pattern[str]:
    path = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", path)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + r"\Z")


class Table:
    """Finds what answers a request."""

    def __init__(self, **parts: Any) -> None:
        self._parts = parts
        self._routes = [(method, _pattern(path), self._route(name), raw) for method, path, name, raw in ROUTES]

    def _route(self, name: str) -> Route:
        part, _, function = name.partition(".")
        route: Route = getattr(self._parts[part], function) if function else getattr(self, name)
        return route

    def find(self, method: str, path: str) -> Tuple[Route, Dict[str, str], bool]:
        """Raises Refused as MLflow's server answers what it does not know."""
        if method == "GET" and path in ("/health", "/version"):
            return (self.health if path == "/health" else self.version), {}, False
        prefix = _PREFIX.match(path)
        rest = path[prefix.end() :] if prefix else ""
        for wanted, pattern, route, raw in self._routes:
            match = pattern.match(rest) if wanted == method else None
            if match is not None:
                return route, {key: _unquoted(value) for key, value in match.groupdict().items()}, raw
        message = "trainshed records runs, metrics and models; it does not have %s %s" % (method, path[:500])
        raise Refused("ENDPOINT_NOT_FOUND", message)

    def health(self, _request: Request) -> str:
        return "OK"

    def version(self, _request: Request) -> str:
        return LEVEL

    def server_info(self, _request: Request) -> Dict[str, Any]:
        return {
            "store_type": None,
            "workspaces_enabled": False,
            "trace_archival_enabled": False,
            "multipart_uploads_enabled": False,
            "multipart_downloads_enabled": False,
        }


def _unquoted(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise invalid("Invalid path")


class TrackingServer:
    """Answers until `close`. `socket_path` may be longer than a socket's address may be (107 bytes)."""

    def __init__(self, folder: str, store: Store, artifacts: Artifacts, lock: int) -> None:
        self.socket_path = os.path.join(folder, SOCKET)
        self.store = store
        self._artifacts = artifacts
        self._lock = lock
        table = Table(runs=Runs(store), models=Models(store, artifacts), artifacts=artifacts)
        self._handler = type("JobHandler", (Handler,), {"find": staticmethod(table.find), "turn": threading.Lock()})
        self._open: Dict[int, socket.socket] = {}
        self._slots = threading.Semaphore(CONNECTIONS)
        self._ended = threading.Event()
        self._listener = _listen(folder, os.path.basename(self.socket_path))
        threading.Thread(target=self._accept, name="tracking", daemon=True).start()
        threading.Thread(target=self._settle, name="tracking-settle", daemon=True).start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            self._slots.acquire()
            try:
                connection, _ = self._listener.accept()
            except OSError:
                self._slots.release()
                if self._ended.wait(0.05):  # otherwise out of descriptors: soon there are some again
                    return
                continue
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        key = id(connection)
        self._open[key] = connection
        try:
            self._handler(connection, "job", self)
        except (OSError, ValueError):
            pass  # the job has gone
        finally:
            self._open.pop(key, None)
            connection.close()
            self._slots.release()

    def _settle(self) -> None:
        while not self._ended.wait(SETTLE_LOOK_S):
            try:
                self._artifacts.settle()
            except Refused:
                pass  # the log or the disk is full: requests are answered so, too

    def close(self) -> None:
        """Nothing is recorded any more once this returns; everything that was answered is in the log."""
        if self._ended.is_set():
            return
        self._ended.set()
        _shut(self._listener)
        self._listener.close()
        for connection in list(self._open.values()):
            _shut(connection)
        try:
            self._artifacts.settle(all_of_it=True)
        except Refused:
            pass
        self.store.close()
        if os.path.exists(self.socket_path):
            os.unlink(self.socket_path)
        os.close(self._lock)

    def __enter__(self) -> "TrackingServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _listen(folder: str, name: str) -> socket.socket:
    """A path in an address has 107 bytes at most, so the folder goes in as an open descriptor."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            os.unlink(name, dir_fd=directory)
        except FileNotFoundError:
            pass
        listener.bind("/proc/self/fd/%d/%s" % (directory, name))
        os.chmod(name, 0o666, dir_fd=directory)  # noqa: S103 - a job is another user; the folder is private
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    finally:
        os.close(directory)
    return listener


def serve(
    run_folder: str, job: Dict[str, Any], policy: Optional[Dict[str, Any]] = None, socket_folder: str = ""
) -> TrackingServer:
    """`policy`: by default the run's policy.json; its `artifact_bytes` limits all artifacts and models together.

    `socket_folder`: where the socket is, by default in the run's folder `tracking`.

    Raises Fault where another server has the folder.
    """
    folder = os.path.join(run_folder, "tracking")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    lock = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Fault("run", "the run is tracked by another process already")
        if policy is None:
            policy = _policy(run_folder)
        store = Store(folder, job)
        artifacts = Artifacts(store, policy.get("artifact_bytes") or ARTIFACT_BYTES)
        return TrackingServer(socket_folder or folder, store, artifacts, lock)
    except BaseException:
        os.close(lock)
        raise


def _policy(run_folder: str) -> Dict[str, Any]:
    try:
        with open(os.path.join(run_folder, "policy.json"), encoding="utf-8") as file:
            found: Dict[str, Any] = json.load(file)
            return found
    except FileNotFoundError:
        return {}
