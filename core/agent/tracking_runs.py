"""Routes for experiments, runs, metrics, parameters and tags."""

from __future__ import annotations

import uuid
from typing import Any, Dict, List, Optional

from . import tracking_search as search
from .tracking_http import Request
from .tracking_rules import (
    PARAM_LENGTH,
    TAG_LENGTH,
    Refused,
    as_json,
    check_batch,
    int64,
    integer,
    invalid,
    metric,
    missing,
    moment,
    pair,
)
from .tracking_store import Run, Store, point

EXPERIMENT = "1"  # the job has one: whatever name it asks for leads there
STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def items(values: Dict[str, Any]) -> List[Dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def metrics_json(metrics: Dict[str, Any], **more: Any) -> List[Dict[str, Any]]:
    return [
        dict(more, key=key, value=as_json(value), timestamp=milliseconds(time), step=step)
        for key, (step, time, value) in metrics.items()
    ]


class Runs:
    def __init__(self, store: Store) -> None:
        self.store = store

    # experiments

    def _experiment(self, name: str) -> Dict[str, Any]:
        return {
            "experiment": {
                "experiment_id": EXPERIMENT,
                "name": name,
                "artifact_location": "mlflow-artifacts:/%s" % EXPERIMENT,
                "lifecycle_stage": "active",
                "creation_time": milliseconds(self.store.runs[self.store.root].start),
                "last_update_time": milliseconds(self.store.runs[self.store.root].start),
                "tags": items(self.store.experiment_tags),
            }
        }

    def _asked(self, name: str) -> None:
        """The name is kept as a tag: the workspace records the job under the experiment of its job file."""
        if name in (self.store.experiment, "Default") or len(name) > 500:
            return
        with self.store.lock:
            if self.store.runs[self.store.root].tags.get("trainshed.experiment_asked") != name:
                key = "trainshed.experiment_asked"
                self.store.append([{"op": "tag", "run": self.store.root, "key": key, "value": name}])

    def experiment_by_name(self, request: Request) -> Any:
        name = str(request.need("experiment_name"))
        self._asked(name)
        return self._experiment(name)

    def experiment_create(self, request: Request) -> Any:
        self._asked(str(request.need("name")))
        return {"experiment_id": EXPERIMENT}

    def experiment_get(self, request: Request) -> Any:
        if request.need("experiment_id") not in (EXPERIMENT, "0"):
            raise missing("Experiment with id", str(request.get("experiment_id")))
        return self._experiment(self.store.experiment)

    def experiment_search(self, request: Request) -> Any:
        fields = {"attributes": {"name": self.store.experiment, "experiment_id": EXPERIMENT}}
        fields["tags"] = dict(self.store.experiment_tags)
        found = all(test(fields) for test in search.clauses(str(request.get("filter") or "")))
        return {"experiments": [self._experiment(self.store.experiment)["experiment"]] if found else []}

    def experiment_tag(self, request: Request) -> Any:
        key, value = pair("tag", request.values, TAG_LENGTH)
        self.store.append([{"op": "experiment.tag", "run": self.store.root, "key": key, "value": value}])
        return {}

    def refuse(self, _request: Request) -> Any:
        raise Refused("PERMISSION_DENIED", "a job cannot delete, restore or rename what is recorded of it")

    # runs

    def as_json(self, run: Run) -> Dict[str, Any]:
        info = {
            "run_id": run.run,
            "run_uuid": run.run,
            "run_name": run.name,
            "experiment_id": EXPERIMENT,
            "user_id": run.tags.get("mlflow.user", ""),
            "status": run.status,
            "start_time": milliseconds(run.start),
            "artifact_uri": "mlflow-artifacts:/%s/%s/artifacts" % (EXPERIMENT, run.run),
            "lifecycle_stage": "active",
        }
        if run.end is not None:
            info["end_time"] = milliseconds(run.end)
        datasets = [{"dataset": dict(given["dataset"], source=""), "tags": given["tags"]} for given in run.inputs]
        return {
            "info": info,
            "data": {"metrics": metrics_json(run.metrics), "params": items(run.params), "tags": items(run.tags)},
            "inputs": {"dataset_inputs": datasets},
            "outputs": {"model_outputs": [{"model_id": out["model_id"], "step": out["step"]} for out in run.outputs]},
        }

    def _run(self, request: Request) -> Run:
        return self.store.run(request.get("run_id") or request.get("run_uuid"))

    def get(self, request: Request) -> Any:
        with self.store.lock:
            return {"run": self.as_json(self._run(request))}

    def create(self, request: Request) -> Any:
        """A child of the run it names, or of the job's own."""
        tags = dict(pair("tag", tag, TAG_LENGTH) for tag in request.dicts("tags"))
        parent = tags.pop("mlflow.parentRunId", self.store.root)
        given = request.get("run_name") or tags.get("mlflow.runName") or "child-%d" % len(self.store.runs)
        start = request.get("start_time")
        time = moment(start, "start_time") if start else self.store.clock()
        tags.pop("mlflow.runName", None)
        with self.store.lock:
            self.store.run(parent)
            run = uuid.uuid4().hex
            created = {"op": "run", "run": run, "parent": parent, "name": str(given)[:TAG_LENGTH], "time": time}
            more = [{"op": "tag", "run": run, "key": key, "value": value} for key, value in tags.items()]
            self.store.append([created, *more])
            return {"run": self.as_json(self.store.run(run))}

    def update(self, request: Request) -> Any:
        with self.store.lock:
            run = self._run(request)
            ops: List[Dict[str, Any]] = []
            status, name = request.get("status"), request.get("run_name")
            if status:
                if status not in STATUSES:
                    raise invalid("Invalid value '%s' for parameter 'status'" % status)
                end = request.get("end_time")
                time = moment(end, "end_time") if end else self.store.clock()
                ops.append({"op": "status", "run": run.run, "status": status, "time": time})
            if name:
                ops.append({"op": "tag", "run": run.run, "key": "mlflow.runName", "value": str(name)[:TAG_LENGTH]})
            self.store.append(ops)
            return {"run_info": self.as_json(run)["info"]}

    def search(self, request: Request) -> Any:
        with self.store.lock:
            newest = sorted(self.store.runs.values(), key=lambda run: -run.start)
            found, token = search.search(newest, _fields, request)
            answer: Dict[str, Any] = {"runs": [self.as_json(run) for run in found]}
        return dict(answer, next_page_token=token) if token else answer

    # what runs log

    def log_metric(self, request: Request) -> Any:
        self._log(request, [request.values], [], [])
        return {}

    def log_parameter(self, request: Request) -> Any:
        self._log(request, [], [request.values], [])
        return {}

    def set_tag(self, request: Request) -> Any:
        self._log(request, [], [], [request.values])
        return {}

    def log_batch(self, request: Request) -> Any:
        metrics, params, tags = (request.dicts(name) for name in ("metrics", "params", "tags"))
        check_batch(metrics, params, tags)
        self._log(request, metrics, params, tags)
        return {}

    def _log(self, request: Request, metrics: List[Any], params: List[Any], tags: List[Any]) -> None:
        points = [self._metric(given) for given in metrics]
        values = [pair("param", given, PARAM_LENGTH) for given in params]
        labels = [pair("tag", given, TAG_LENGTH) for given in tags]
        with self.store.lock:
            run = self._run(request)
            new = _new_params(run, values)
            ops = self._metric_ops(run.run, points)
            ops += [{"op": "param", "run": run.run, "key": key, "value": value} for key, value in new.items()]
            ops += [{"op": "tag", "run": run.run, "key": key, "value": value} for key, value in labels]
            self.store.append(ops)

    def _metric_ops(self, run: str, points: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
        """MLflow 3 sends points of the run once more when a model is logged, to link them: they are not new."""
        linked = [given for given in points if "model_id" in given]
        known = self.store.recorded(run, linked) if linked else set()
        return [
            dict(given, op="model.metric" if "model_id" in given and point(given) in known else "metric", run=run)
            for given in points
        ]

    @staticmethod
    def _metric(given: Dict[str, Any]) -> Dict[str, Any]:
        model = given.get("model_id")
        return dict(metric(given), model_id=model) if isinstance(model, str) and model else metric(given)

    def delete_tag(self, request: Request) -> Any:
        with self.store.lock:
            run, key = self._run(request), str(request.need("key"))
            if key not in run.tags:
                raise Refused("RESOURCE_DOES_NOT_EXIST", "No tag with name: %s in run with id %s" % (key, run.run))
            self.store.append([{"op": "untag", "run": run.run, "key": key}])
        return {}

    def history(self, request: Request) -> Any:
        run, key = self._run(request), str(request.need("metric_key"))
        start = integer(request.get("page_token") or 0, "page_token")
        limit = integer(request.get("max_results") or 0, "max_results")
        points = sorted(self.store.history(run.run, key), key=lambda op: (op["time"], op["step"]))
        page = points[start : start + limit] if limit else points[start:]
        answer: Dict[str, Any] = {
            "metrics": [
                {"key": key, "value": as_json(op["value"]), "timestamp": milliseconds(op["time"]), "step": op["step"]}
                for op in page
            ]
        }
        if limit and start + limit < len(points):
            answer["next_page_token"] = str(start + limit)
        return answer

    def log_inputs(self, request: Request) -> Any:
        """Of a dataset its name, digest and schema are recorded; not where it lies and not its profile."""
        run = self._run(request)
        ops = []
        for given in request.dicts("datasets"):
            dataset: Dict[str, Any] = given.get("dataset") or {}
            kept = {key: str(dataset.get(key) or "")[:limit] for key, limit in _DATASET.items()}
            tags = [{"key": key, "value": value} for key, value in map(_input_tag, given.get("tags") or [])]
            ops.append({"op": "input", "run": run.run, "dataset": kept, "tags": tags})
        self.store.append(ops)
        return {}

    def log_outputs(self, request: Request) -> Any:
        run = self._run(request)
        ops: List[Dict[str, Any]] = []
        for given in request.dicts("models"):
            model = self.store.model(given.get("model_id"))
            step = int64(given.get("step") or 0, "step")
            ops.append({"op": "output", "run": run.run, "model_id": model.model_id, "step": step})
        self.store.append(ops)
        return {}


_DATASET = {"name": 500, "digest": 36, "source_type": 36, "schema": 65536}


def _input_tag(given: Any) -> Any:
    return str(given.get("key"))[:255], str(given.get("value"))[:500]


def _fields(run: Run) -> search.Fields:
    return {
        "metrics": {key: value for key, (_, _, value) in run.metrics.items()},
        "params": run.params,
        "tags": run.tags,
        "attributes": {
            "run_id": run.run,
            "run_name": run.name,
            "status": run.status,
            "start_time": milliseconds(run.start),
            "end_time": None if run.end is None else milliseconds(run.end),
            "user_id": run.tags.get("mlflow.user", ""),
            "artifact_uri": "mlflow-artifacts:/%s/%s/artifacts" % (EXPERIMENT, run.run),
        },
    }


def _new_params(run: Run, values: List[Any]) -> Dict[str, str]:
    """Those that are not known yet. Raises Refused where one would change."""
    new: Dict[str, str] = {}
    for key, value in values:
        known: Optional[str] = run.params.get(key, new.get(key))
        if known is None:
            new[key] = value
        elif known != value:
            raise invalid(
                "Changing param values is not allowed. Param with key='%s' was already logged with value='%s' for"
                " run ID='%s'. Attempted logging new value '%s'." % (key, known, run.run, value)
            )
    return new
