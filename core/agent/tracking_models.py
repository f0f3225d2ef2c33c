"""Routes for logged models, and for the registry: registering is a request that the client carries out."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from typing import Any, Dict, List

from . import tracking_search as search
from .tracking_artifacts import MLMODEL, Artifacts, files_below, sha256
from .tracking_http import Request
from .tracking_rules import MODEL_NAME, PARAM_LENGTH, TAG_LENGTH, Refused, artifact_path, invalid, missing, pair
from .tracking_runs import EXPERIMENT, items, metrics_json, milliseconds
from .tracking_store import Model, Store

FILES_NAMED = 2000  # of a model, in its op
_FINAL = ("LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED")
_STATUS = {"1": "LOGGED_MODEL_PENDING", "2": "LOGGED_MODEL_READY", "3": "LOGGED_MODEL_UPLOAD_FAILED"}


def model_digest(folder: str) -> str:
    """sha256 over the sorted lines `path NUL sha256-of-the-file newline`."""
    total = hashlib.sha256()
    for path in files_below(folder):
        total.update(("%s\0%s\n" % (path, sha256(os.path.join(folder, path)))).encode("utf-8", "surrogateescape"))
    return total.hexdigest()


class Models:
    def __init__(self, store: Store, artifacts: Artifacts) -> None:
        self.store = store
        self.artifacts = artifacts

    def as_json(self, model: Model) -> Dict[str, Any]:
        return {
            "info": {
                "model_id": model.model_id,
                "experiment_id": EXPERIMENT,
                "name": model.name,
                "creation_timestamp_ms": milliseconds(model.created),
                "last_updated_timestamp_ms": milliseconds(model.updated),
                "artifact_uri": "mlflow-artifacts:/%s/models/%s/artifacts" % (EXPERIMENT, model.model_id),
                "status": model.status,
                "model_type": model.kind,
                "source_run_id": model.run,
                "tags": items(model.tags),
            },
            "data": {
                "params": items(model.params),
                "metrics": metrics_json(model.metrics, model_id=model.model_id, run_id=model.run),
            },
        }

    def _answer(self, model: Model) -> Dict[str, Any]:
        return {"model": self.as_json(model)}

    # logged models (MLflow 3)

    def create(self, request: Request) -> Any:
        name = request.get("name") or "model-%s" % uuid.uuid4().hex[:8]
        if not isinstance(name, str) or not MODEL_NAME.match(name) or len(name) > 250 or not name.isprintable():
            raise invalid("Invalid model name (%r) provided." % (name,))
        run = self.store.run(request.get("source_run_id") or self.store.root).run
        op = {
            "op": "model.created",
            "run": run,
            "model_id": "m-%s" % uuid.uuid4().hex,
            "name": name,
            "type": str(request.get("model_type") or "")[:500],
            "time": self.store.clock(),
        }
        self.store.append([op, *self._pairs(op, request)])
        return self._answer(self.store.model(op["model_id"]))

    @staticmethod
    def _pairs(op: Dict[str, Any], request: Request) -> List[Dict[str, Any]]:
        """One op for each parameter and tag that was sent: each may be long."""
        base = {"op": "model.data", "run": op["run"], "model_id": op["model_id"], "time": op["time"]}
        params = [pair("param", given, PARAM_LENGTH) for given in request.dicts("params")]
        tags = [pair("tag", given, TAG_LENGTH) for given in request.dicts("tags")]
        found = [dict(base, params={key: value}) for key, value in params]
        return found + [dict(base, tags={key: value}) for key, value in tags]

    def get(self, request: Request) -> Any:
        return self._answer(self.store.model(request.need("model_id")))

    def finalize(self, request: Request) -> Any:
        model = self.store.model(request.need("model_id"))
        status = _STATUS.get(str(request.need("status")), request.get("status"))
        if status not in _FINAL:
            raise invalid("Invalid model status: %s" % status)
        if model.status == "LOGGED_MODEL_PENDING":
            if status == "LOGGED_MODEL_READY":
                self._ready(model)
            else:
                self._data(model, status=status)
        return self._answer(model)

    def _ready(self, model: Model) -> None:
        folder = self.artifacts.model_folder(model.model_id)
        op = {
            "op": "model",
            "run": model.run,
            "model_id": model.model_id,
            "name": model.name,
            "files": list(files_below(folder))[:FILES_NAMED],
            "digest": model_digest(folder),
            "time": self.store.clock(),
        }
        self.store.append([op])

    def _data(self, model: Model, **more: Any) -> None:
        op = {"op": "model.data", "run": model.run, "model_id": model.model_id, "time": self.store.clock()}
        self.store.append([dict(op, **more)])

    def log_params(self, request: Request) -> Any:
        model = self.store.model(request.need("model_id"))
        self._more(model, request)
        return {}

    def set_tags(self, request: Request) -> Any:
        model = self.store.model(request.need("model_id"))
        self._more(model, request)
        return self._answer(model)

    def _more(self, model: Model, request: Request) -> None:
        known = {"run": model.run, "model_id": model.model_id, "time": self.store.clock()}
        self.store.append(self._pairs(known, request))

    def delete_tag(self, request: Request) -> Any:
        model, key = self.store.model(request.need("model_id")), str(request.need("key"))
        if key not in model.tags:
            raise missing("Tag", key)
        self.store.append([{"op": "model.untag", "run": model.run, "model_id": model.model_id, "key": key}])
        return {}

    def search(self, request: Request) -> Any:
        with self.store.lock:
            newest = sorted(self.store.models.values(), key=lambda model: -model.created)
            found, token = search.search(newest, _fields, request)
            answer: Dict[str, Any] = {"models": [self.as_json(model) for model in found]}
        return dict(answer, next_page_token=token) if token else answer

    # a model among the run's artifacts (MLflow 2, or `log_artifacts` of a saved one)

    def log_model(self, request: Request) -> Any:
        run = self.store.run(request.get("run_id")).run
        try:
            path = json.loads(request.need("model_json"))["artifact_path"]
        except (ValueError, KeyError, TypeError):
            raise invalid("Malformed model info: 'artifact_path' is missing")
        self._adopt(run, artifact_path(str(path)))
        return {}

    def _adopt(self, run: str, path: str) -> Model:
        """The model of the files below artifacts/RUN/PATH, linked to its own folder."""
        source = os.path.join(self.artifacts.folder(run), path)
        if not os.path.isfile(os.path.join(source, MLMODEL)):
            raise missing("Model", path)
        self.artifacts.settle(all_of_it=True)
        model_id = "m-%s" % hashlib.sha256(("%s/%s/%s" % (run, path, model_digest(source))).encode()).hexdigest()[:32]
        with self.store.lock:
            known = self.store.models.get(model_id)
            if known is not None and known.status == "LOGGED_MODEL_READY":
                return known
            self.artifacts.reserve(len(list(files_below(source))))
            self._link(source, self.artifacts.model_folder(model_id))
            name = re.sub(r"[/:.%\"']", "-", path)
            op = {"op": "model.created", "run": run, "model_id": model_id, "name": name, "path": path}
            self.store.append([dict(op, time=self.store.clock())])
            model = self.store.model(model_id)
            self._ready(model)
        return model

    @staticmethod
    def _link(source: str, target: str) -> None:
        """Hard links: an upload replaces a file, it never writes into one."""
        shutil.rmtree(target, ignore_errors=True)
        for path in files_below(source):
            place = os.path.join(target, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            try:
                os.link(os.path.join(source, path), place)
            except OSError:
                shutil.copyfile(os.path.join(source, path), place)

    # registry

    def register_name(self, request: Request) -> Any:
        name = self._name(request)
        with self.store.lock:
            if name in self.store.registered:
                raise Refused("RESOURCE_ALREADY_EXISTS", "Registered Model (name=%s) already exists." % name)
            self.store.append([{"op": "registered", "run": self.store.root, "name": name}])
        return self._registered(name)

    @staticmethod
    def _name(request: Request) -> str:
        name = request.need("name")
        if not isinstance(name, str) or "/" in name or ":" in name or len(name) > 250 or not name.isprintable():
            raise invalid("Invalid model name: %r. A name cannot contain a slash or a colon." % (name,))
        return name

    def registered(self, request: Request) -> Any:
        name = str(request.need("name"))
        if name not in self.store.registered:
            raise missing("Registered Model with name", name)
        return self._registered(name)

    def _registered(self, name: str) -> Dict[str, Any]:
        now = milliseconds(self.store.clock())
        versions = [self._version(name, version) for version in self.store.registered[name][-1:]]
        known = {"name": name, "creation_timestamp": now, "last_updated_timestamp": now, "latest_versions": versions}
        return {"registered_model": known}

    def create_version(self, request: Request) -> Any:
        """The version's real number is given by the workspace; here it counts what this run registered."""
        name = self._name(request)
        model = self._source(request)
        tags = dict(pair("tag", given, TAG_LENGTH) for given in request.dicts("tags"))
        op = {"op": "register", "run": model.run, "model_id": model.model_id, "name": name}
        op.update(model=model.name, digest=model.digest)
        with self.store.lock:
            versions = self.store.registered.get(name)
            if versions is None:
                raise missing("Registered Model with name", name)
            known = [version for version in versions if version["model_id"] == model.model_id]
            if not known:
                self.store.append([dict(op, tags=tags, time=self.store.clock())])
                known = self.store.registered[name][-1:]
            return {"model_version": self._version(name, known[0])}

    def _source(self, request: Request) -> Model:
        """From `models:/m-…`, or from the address of a folder among a run's artifacts."""
        source = str(request.need("source"))
        model_id = request.get("model_id")
        if source.startswith("models:/m-"):
            model_id = source[len("models:/") :].split("/")[0]
        if model_id:
            model = self.store.model(model_id)
            if model.status != "LOGGED_MODEL_READY":
                raise invalid("the model %s is not complete yet" % model_id)
            return model
        match = re.match(r"mlflow-artifacts:/+[^/]*/?%s/([^/]+)/artifacts/(.+?)/?\Z" % EXPERIMENT, source)
        if match is None:
            raise invalid("Invalid model version source: '%s'. It has to be a model of this run." % source[:500])
        run, path = self.store.run(match.group(1)).run, artifact_path(match.group(2))
        return self._adopt(run, path)

    def _version(self, name: str, version: Dict[str, Any]) -> Dict[str, Any]:
        return {
            "name": name,
            "version": version["version"],
            "creation_timestamp": milliseconds(version["time"]),
            "last_updated_timestamp": milliseconds(version["time"]),
            "current_stage": "None",
            "source": "models:/%s" % version["model_id"],
            "run_id": version["run"],
            "model_id": version["model_id"],
            "status": "READY",
            "tags": items(version["tags"]),
        }

    def version(self, request: Request) -> Any:
        name, number = str(request.need("name")), str(request.need("version"))
        for version in self.store.registered.get(name, []):
            if version["version"] == number:
                return {"model_version": self._version(name, version)}
        raise missing("Model Version (name=%s, version=%s)" % (name, number), "")

    def search_versions(self, request: Request) -> Any:
        every: List[Dict[str, Any]] = []
        with self.store.lock:
            for name, versions in self.store.registered.items():
                every += [self._version(name, version) for version in versions]
        found, token = search.search(every, lambda version: {"attributes": version}, request)
        return dict({"model_versions": found}, **({"next_page_token": token} if token else {}))

    def download_uri(self, request: Request) -> Any:
        version = self.version(request)["model_version"]
        return {"artifact_uri": "mlflow-artifacts:/%s/models/%s/artifacts" % (EXPERIMENT, version["model_id"])}


def _fields(model: Model) -> search.Fields:
    attributes = {
        "name": model.name,
        "model_id": model.model_id,
        "model_type": model.kind,
        "status": model.status,
        "source_run_id": model.run,
        "creation_timestamp": milliseconds(model.created),
        "creation_time": milliseconds(model.created),
        "last_updated_timestamp": milliseconds(model.updated),
    }
    metrics = {key: value for key, (_, _, value) in model.metrics.items()}
    return {"attributes": attributes, "params": model.params, "tags": model.tags, "metrics": metrics}
