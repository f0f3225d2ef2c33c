"""The local workspace: MLflow, in this process, on SQLite in the site's state folder, or on a team's server."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import WorkspaceError
from ..events import ModelInfo, RunInfo, RunState
from ..kept import TEMPORARY
from ..site.paths import make_private, private
from . import RUN_TAG, Description, Metric, Op, Param, Tag, lineage
from .database import LOCKED, LOCKED_HINT, Database, locked
from .quiet import mlflow

DIGEST_TAG = "trainshed.digest"
METRICS, PARAMS, TAGS = 800, 100, 100  # in one request: MLflow's limits are 1000 of all, 100 and 100
STATUS: dict[str, str] = {"completed": "FINISHED", "failed": "FAILED", "cancelled": "KILLED", "lost": "FAILED"}
OPEN = ("RUNNING", "SCHEDULED")
REFUSED = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
MOST = 2**63  # what MLflow's databases hold as a whole number
OWN_TAGS = (RUN_TAG, "mlflow.parentRunId")  # a job does not set these


class LocalWorkspace:
    """`tracking_uri` None: SQLite in `folder`, artifacts beside it."""

    def __init__(self, folder: Path, tracking_uri: str | None = None) -> None:
        self._folder = folder
        self._uri = tracking_uri or f"sqlite:///{folder / 'mlflow.db'}"
        path = self._uri.removeprefix("sqlite:///")
        self._database = Database(Path(path)) if path != self._uri else None
        self._found: dict[str, str] = {}  # our run -> MLflow's
        self._client: Any = None
        self._lock = threading.RLock()

    # opening, and errors in our words

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        """MLflow's client. Raises WorkspaceError for whatever goes wrong inside."""
        import requests

        exceptions = mlflow().exceptions
        try:
            with self._lock, locked(self._folder):
                self._open()
                yield self._client
        except exceptions.MlflowException as error:
            raise self._explained(str(error.message), refused=_unwritable(error)) from None
        except requests.RequestException as error:
            raise self._explained(type(error).__name__) from None
        except OSError as error:
            refused = error.errno in (errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR)
            raise self._explained(error.strerror or type(error).__name__, refused=refused) from None
        except (ValueError, OverflowError) as error:
            raise self._explained(str(error), refused=True) from None

    def _open(self) -> None:
        if self._database is None:
            self._client = self._client or mlflow().MlflowClient(self._uri, self._uri)
            return
        self._database.check()
        if self._client is not None and not self._database.changed():
            return
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        if not self._database.path.exists():
            self._make(self._database.path)
        SqlAlchemyStore._get_or_create_engine(self._uri).dispose()  # its connections may lead to a file that is gone
        SqlAlchemyStore(self._uri, self._artifacts().as_uri())  # type: ignore[no-untyped-call]
        self._found.clear()
        self._client = mlflow().MlflowClient(self._uri, self._uri)
        self._database.changed()

    def _artifacts(self) -> Path:
        return make_private(self._folder / "artifacts")

    def _make(self, path: Path) -> None:
        """Whole or not at all: MLflow makes a database in many steps, and never goes on with half of one."""
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        fresh = path.with_name(path.name + ".new")
        for left in (fresh, fresh.with_name(fresh.name + "-journal")):
            left.unlink(missing_ok=True)
        make_private(fresh.parent)
        os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))  # SQLite keeps the mode
        uri = f"sqlite:///{fresh}"
        SqlAlchemyStore(uri, self._artifacts().as_uri())  # type: ignore[no-untyped-call]
        SqlAlchemyStore._get_or_create_engine(uri).dispose()
        fresh.rename(path)

    def _explained(self, text: str, *, refused: bool = False) -> WorkspaceError:
        """`refused` is in its facts: what was written can never be written, and trying again is of no use."""
        if "database is locked" in text:
            return WorkspaceError(LOCKED, hint=LOCKED_HINT)
        first = (text.strip().splitlines() or ["it does not answer"])[0][:300].replace(self._uri, self._location())
        return WorkspaceError(f"the workspace refused: {first}", hint=f"it is {self._location()}", refused=refused)

    def _location(self) -> str:
        """Without the password that an address may hold."""
        parts = urlsplit(self._uri)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else self._uri

    def describe(self) -> Description:
        with self._opened() as client:
            names = {version.name for version in _pages(client.search_model_versions)}
            version = f"MLflow {mlflow().__version__}"
            return Description(kind="local", location=self._location(), software=version, models=len(names))

    # runs

    def _find(self, client: Any, run: str) -> str | None:
        if run not in self._found:
            places = [found.experiment_id for found in _pages(client.search_experiments)]
            matches = client.search_runs(places, f"tags.`{RUN_TAG}` = '{_plain(run)}'", order_by=["start_time ASC"])
            if matches:
                self._found[run] = matches[0].info.run_id
        return self._found.get(run)

    def _need(self, client: Any, run: str) -> str:
        found = self._find(client, run)
        if found is None:
            hint = f"trainshed logs {run} -f records it"
            raise WorkspaceError(f"run {run} is not recorded in this workspace", hint=hint, unknown=True)
        return found

    def ensure_run(self, info: RunInfo) -> None:
        with self._opened() as client:
            if self._find(client, info.run) is not None:
                return
            parent = self._find(client, info.parent) if info.parent else None
            tags = lineage(info) | ({"mlflow.parentRunId": parent} if parent else {})
            started = round(info.created * 1000)
            experiment = self._experiment(client, info.experiment or "trainshed")
            made = client.create_run(experiment, started, tags, info.name or info.run)
            self._found[info.run] = made.info.run_id
        self.write(info.run, [Tag(key, value) for key, value in info.tags.items()])

    def _experiment(self, client: Any, name: str) -> str:
        known = client.get_experiment_by_name(name)
        if known is not None and known.lifecycle_stage != "active":
            raise WorkspaceError(f"the experiment {name!r} was deleted in the workspace", hint="restore it there")
        if known is not None:
            return str(known.experiment_id)
        place = self._folder / "artifacts" / sha256(name.encode()).hexdigest()[:16]
        return str(client.create_experiment(name, place.as_uri() if self._database else None))

    def write(self, run: str, ops: Sequence[Op]) -> list[str]:
        entities = mlflow().entities
        metrics = [op for op in ops if isinstance(op, Metric)]
        kept = [op for op in metrics if 0 <= op.time * 1000 < MOST and -MOST <= op.step < MOST]
        points = [entities.Metric(op.key, op.value, round(op.time * 1000), op.step) for op in kept]
        values = [entities.Param(op.key, op.value) for op in ops if isinstance(op, Param)]
        last = {op.key: op.value for op in ops if isinstance(op, Tag) and op.key not in OWN_TAGS}
        labels = [entities.RunTag(key, value) for key, value in last.items() if value is not None]
        with self._opened() as client:
            found = self._need(client, run)
            refused = [f"metric {op.key}: its time or step is out of range" for op in metrics if op not in kept]
            for point in [point for point in points if point.value != point.value]:
                refused += self._batch(client, found, "metrics", [point])
            points = [point for point in points if point.value == point.value]
            for kind, items, size in (("metrics", points, METRICS), ("params", values, PARAMS), ("tags", labels, TAGS)):
                for start in range(0, len(items), size):
                    refused += self._batch(client, found, kind, items[start : start + size])
            for key in [key for key, value in last.items() if value is None]:
                _quietly(client.delete_tag, "RESOURCE_DOES_NOT_EXIST", found, key)
            return refused

    def _batch(self, client: Any, found: str, kind: str, items: list[Any]) -> list[str]:
        """One that is refused must not keep back the others of its batch."""
        try:
            client.log_batch(found, **{kind: items})
        except (ValueError, OverflowError) as error:
            return self._one_by_one(client, found, kind, items, type(error).__name__)
        except mlflow().exceptions.MlflowException as error:
            if not _unwritable(error) and (error.error_code not in REFUSED or "locked" in str(error)):
                raise
            if kind == "metrics" and items[0].value != items[0].value and "UNIQUE" in str(error).upper():
                return []  # it is there already: MLflow does not see that one NaN is the other
            return self._one_by_one(client, found, kind, items, str(error.message).splitlines()[0][:200])
        return []

    def _one_by_one(self, client: Any, found: str, kind: str, items: list[Any], why: str) -> list[str]:
        if len(items) == 1:
            return [f"{kind[:-1]} {items[0].key}: {why}"]
        return [text for item in items for text in self._batch(client, found, kind, [item])]

    def put_artifact(self, run: str, path: str, data: bytes) -> None:
        folder, _, name = path.rpartition("/")
        with tempfile.TemporaryDirectory(prefix=TEMPORARY) as place, self._opened() as client:
            file = Path(place) / name
            with open(file, "wb", opener=private) as made:  # MLflow keeps the mode
                made.write(data)
            found = self._need(client, run)
            if ".." not in folder.split("/") and not folder.startswith("/"):  # MLflow refuses those
                where = urlsplit(client.get_run(found).info.artifact_uri)
                if where.scheme == "file":
                    make_private(Path(url2pathname(where.path)) / folder)
            client.log_artifact(found, str(file), folder or None)

    def finish(self, run: str, state: RunState, ended: float) -> None:
        with self._opened() as client:
            found = client.get_run(self._need(client, run))
            inside = f"tags.`mlflow.parentRunId` = '{found.info.run_id}' and attributes.status = 'RUNNING'"
            children = client.search_runs([found.info.experiment_id], inside)
            for open_run in [*children, found]:
                if open_run.info.status in OPEN:
                    client.set_terminated(open_run.info.run_id, STATUS[state], round(ended * 1000))

    # models

    def register(self, name: str, run: str, source: str, digest: str, tags: Mapping[str, str]) -> ModelInfo:
        with self._opened() as client:
            for version in self._versions(client, name):
                if version.run == run and version.digest == digest:
                    return version
            _quietly(client.create_registered_model, "RESOURCE_ALREADY_EXISTS", name)
            every = {**tags, RUN_TAG: run, DIGEST_TAG: digest}
            return _info(client.create_model_version(name, source, self._find(client, run), tags=every))

    def _versions(self, client: Any, name: str) -> list[ModelInfo]:
        """Newest first."""
        quote = '"' if "'" in name else "'"
        found = [_info(item) for item in _pages(client.search_model_versions, f"name={quote}{name}{quote}")]
        return sorted(found, key=lambda info: int(info.version), reverse=True)

    def models(self) -> list[ModelInfo]:
        newest: dict[str, ModelInfo] = {}
        with self._opened() as client:
            for info in map(_info, _pages(client.search_model_versions)):
                if info.model not in newest or int(info.version) > int(newest[info.model].version):
                    newest[info.model] = info
        return [newest[name] for name in sorted(newest)]

    def model(self, name: str, version: str | None = None) -> ModelInfo:
        with self._opened() as client:
            known = self._versions(client, name)
        for info in known:
            if version in (None, info.version):
                return info
        if known:
            raise WorkspaceError(f"the model {name} has no version {version}", hint=f"its newest is {known[0].version}")
        raise WorkspaceError(f"there is no model {name!r} in the workspace", hint="trainshed models list")


def _unwritable(error: Any) -> bool:
    """Whether it is about the value and not about the workspace."""
    return error.error_code == "INVALID_PARAMETER_VALUE" or isinstance(error.__cause__, (ValueError, OverflowError))


def _plain(run: str) -> str:
    if not run.isalnum():
        raise WorkspaceError(f"not a run's id: {run!r}")
    return run


def _pages(search: Any, *filters: str) -> Iterator[Any]:
    token: str | None = None
    while True:
        page = search(*filters, page_token=token) if not filters else search(filter_string=filters[0], page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _quietly(function: Any, code: str, *args: Any) -> None:
    """Where MLflow answers `code`, what was wanted is so already."""
    try:
        function(*args)
    except mlflow().exceptions.MlflowException as error:
        if error.error_code != code:
            raise


def _info(version: Any) -> ModelInfo:
    tags = dict(version.tags)
    return ModelInfo(
        model=version.name,
        version=str(version.version),
        run=tags.get(RUN_TAG, ""),
        tags=tags,
        created=(version.creation_timestamp or 0) / 1000,
        source=version.source or "",
        digest=tags.get(DIGEST_TAG, ""),
    )
