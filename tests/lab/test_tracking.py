"""Plain MLflow, of two major lines, against the agent's tracking server on Python 3.8 and on this one."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..pythons import oldest
from .tracked import RUN, SETTINGS, Tracked, older_mlflow, tracked
from .warm import Warm


@pytest.fixture(params=["mlflow 3", "mlflow 2"])
def client(request: pytest.FixtureRequest) -> str:
    if request.param == "mlflow 3":
        return sys.executable
    python, why = older_mlflow()
    if not python:
        pytest.skip(why)
    return python


@pytest.fixture(scope="module")
def warmed() -> Iterator[Callable[[str], Warm]]:
    """By its Python: a client that has made its imports."""
    made: dict[str, Warm] = {}
    yield lambda python: made.get(python) or made.setdefault(python, Warm(python, SETTINGS))
    for each in made.values():
        each.close()


@pytest.fixture
def warm(client: str, warmed: Callable[[str], Warm]) -> Warm:
    return warmed(client)


@pytest.fixture
def newest(warmed: Callable[[str], Warm]) -> Warm:
    return warmed(sys.executable)


@pytest.fixture
def server(home: Path) -> Iterator[Tracked]:
    yield from tracked(home / ("a folder whose name is longer than an address may be" * 3))


def ask(server: Tracked, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """One request on a connection of its own."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.relay.port, timeout=60)) as connection:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        raw = answer.read()
        return answer.status, json.loads(raw) if answer.headers["Content-Type"] == "application/json" else raw


LOGGING = (
    f"RUN = {RUN!r}"
    + """
import math, mlflow, os, tempfile
mlflow.set_experiment("asked for by the job")
with mlflow.start_run(run_name="named by the job") as run:
    assert run.info.run_id == RUN, run.info
    mlflow.log_param("lr", 0.1)
    mlflow.log_params({"a": 1, "b/c d": "x" * 6000})
    mlflow.set_tag("colour", "blue")
    mlflow.set_tags({"one": 1, "two": 2})
    for step in range(3):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"nan": math.nan, "inf": math.inf, "ninf": -math.inf}, step=5)
    mlflow.log_text("hello", "notes/a.txt")
    mlflow.log_dict({"a": 1}, "d.json")
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(folder + "/in/ner")
        for name in ("top.txt", "in/ner/deep \\u00fc.txt"):
            open(folder + "/" + name, "w").write(name)
        mlflow.log_artifacts(folder, "many")
        mlflow.log_artifact(folder + "/top.txt")
    with mlflow.start_run(nested=True, run_name="inner") as child:
        mlflow.log_metric("z", 1)
        mlflow.log_text("inner", "i.txt")
    client = mlflow.MlflowClient()
    back = client.get_run(run.info.run_id)
    assert back.data.params["lr"] == "0.1" and back.data.tags["colour"] == "blue" and back.data.tags["asked"] == "yes"
    assert back.data.metrics["loss"] == 1 / 3 and math.isnan(back.data.metrics["nan"])
    assert back.data.metrics["inf"] == math.inf and back.data.metrics["ninf"] == -math.inf
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(0, 1.0), (1, 0.5), (2, 1 / 3)], history
    assert sorted(f.path for f in client.list_artifacts(run.info.run_id)) == ["d.json", "many", "notes", "top.txt"]
    assert mlflow.artifacts.load_dict("runs:/%s/d.json" % run.info.run_id) == {"a": 1}
    got = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="many")
    assert open(got + "/in/ner/deep \\u00fc.txt").read() == "in/ner/deep \\u00fc.txt"
    client.delete_tag(run.info.run_id, "two")
    assert "two" not in client.get_run(run.info.run_id).data.tags
    found = client.search_runs(["1"], "metrics.z = 1 and tags.mlflow.parentRunId = '%s'" % run.info.run_id)
    assert [r.info.run_id for r in found] == [child.info.run_id], found
    assert [r.info.run_id for r in client.search_runs(["1"], order_by=["metrics.loss ASC"])][0] == run.info.run_id
with mlflow.start_run(run_name="second") as second:
    assert second.info.run_id not in (RUN, child.info.run_id)
    mlflow.log_metric("late", 2)
print(child.info.run_id, second.info.run_id)
"""
)


def test_what_a_job_logs_is_in_the_log_and_can_be_read_back(client: str, server: Tracked) -> None:
    child, second = server.run(client, LOGGING).splitlines()[-1].split()
    server.stop()
    params = {op["key"]: op["value"] for op in server.ops("param")}
    assert params == {"lr": "0.1", "a": "1", "b/c d": "x" * 6000}
    assert [(op["step"], op["value"]) for op in server.ops("metric") if op["key"] == "loss"] == [
        (0, 1.0), (1, 0.5), (2, 1 / 3)
    ]  # fmt: skip
    tags = {op["key"]: op["value"] for op in server.ops("tag") if op["run"] == RUN}
    assert tags["trainshed.experiment_asked"] == "asked for by the job"
    if client == sys.executable:  # MLflow 2 leaves the name of a run that it attaches to
        assert tags["mlflow.runName"] == "named by the job"
    artifacts = {(op["run"], op["path"]): op for op in server.ops("artifact")}
    deep = artifacts[RUN, "many/in/ner/deep ü.txt"]
    assert deep["sha256"] == hashlib.sha256("in/ner/deep ü.txt".encode()).hexdigest()
    assert {path for run, path in artifacts if run == RUN} == {
        "notes/a.txt", "d.json", "top.txt", "many/top.txt", "many/in/ner/deep ü.txt"
    }  # fmt: skip
    assert (child, "i.txt") in artifacts
    runs = {op["run"]: (op["parent"], op["name"]) for op in server.ops("run")}
    assert runs == {child: (RUN, "inner"), second: (RUN, "second")}
    ends = [(op["run"], op["status"]) for op in server.ops("status")]
    assert ends[-1] == (second, "FINISHED") and (RUN, "FINISHED") in ends and ends[0] == (RUN, "RUNNING")


MODELS = """
import mlflow, mlflow.sklearn
from sklearn.linear_model import SGDClassifier
model = SGDClassifier().fit([[0., 1.], [1., 0.]], [0, 1])
major = int(mlflow.__version__.split(".")[0])
name = "name" if major > 2 else "artifact_path"
with mlflow.start_run() as run:
    more = {"pip_requirements": ["scikit-learn"]}
    if major > 2:
        mlflow.sklearn.log_model(model, name="skopsy", serialization_format="skops", **more)
        more["serialization_format"] = "pickle"
    logged = mlflow.sklearn.log_model(model, **{name: "pickled"}, registered_model_name="demo", **more)
    again = mlflow.register_model("runs:/%s/pickled" % run.info.run_id, "other", tags={"from": "job"})
    assert again.version == "1", again
    assert mlflow.register_model("runs:/%s/pickled" % run.info.run_id, "other").version == "1"
    assert list(mlflow.pyfunc.load_model(logged.model_uri).predict([[0., 1.]])) == [0]
"""


def test_models_are_logged_and_registering_becomes_a_request(warm: Warm, server: Tracked) -> None:
    server.run(warm, MODELS)
    server.stop()
    models = {op["name"]: op for op in server.ops("model")}
    assert set(models) == ({"skopsy", "pickled"} if warm.python == sys.executable else {"pickled"})
    for op in models.values():
        folder = server.folder / "tracking" / "models" / op["model_id"]
        found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        assert found == op["files"] and "MLmodel" in found
        total = hashlib.sha256()
        for path in found:
            total.update(f"{path}\0{hashlib.sha256((folder / path).read_bytes()).hexdigest()}\n".encode())
        assert total.hexdigest() == op["digest"]
    pickled = models["pickled"]["model_id"]
    registered = [(op["run"], op["model_id"], op["name"]) for op in server.ops("register")]
    assert registered == [(RUN, pickled, "demo"), (RUN, pickled, "other")]
    assert all(op.get("model") for op in server.ops("artifact")), "files of a model are marked as such"


LINKED = """
import mlflow, mlflow.sklearn
from sklearn.linear_model import SGDClassifier
with mlflow.start_run() as run:
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    model = SGDClassifier().fit([[0., 1.], [1., 0.]], [0, 1])
    logged = mlflow.sklearn.log_model(model, name="m", pip_requirements=["scikit-learn"], serialization_format="pickle")
    mlflow.log_metric("later", 2.0, model_id=logged.model_id)
    client = mlflow.MlflowClient()
    assert [m.step for m in client.get_metric_history(run.info.run_id, "loss")] == [0, 1, 2, 3, 4]
    assert {m.key for m in client.get_logged_model(logged.model_id).metrics} == {"loss", "later"}
"""


def test_points_that_mlflow_links_to_a_model_are_not_points_twice(newest: Warm, server: Tracked) -> None:
    server.run(newest, LINKED)
    server.stop()
    assert [(op["key"], op["step"]) for op in server.ops("metric")] == [*(("loss", n) for n in range(5)), ("later", 0)]
    assert [op["key"] for op in server.ops("model.metric")] == ["loss"]


AUTOLOG = """
import mlflow, mlflow.sklearn, numpy
from sklearn.linear_model import LogisticRegression
mlflow.models.infer_pip_requirements = lambda *_, fallback, **__: fallback  # it would load the model in a new Python
mlflow.sklearn.autolog()
with mlflow.start_run():
    rows = numpy.array([[0., 1.], [1., 0.], [0., 2.], [2., 0.]] * 5)
    LogisticRegression(max_iter=7).fit(rows, numpy.array([0, 1, 0, 1] * 5))
"""


def test_autolog_records_parameters_metrics_dataset_and_model(warm: Warm, server: Tracked) -> None:
    server.run(warm, AUTOLOG, MLFLOW_HTTP_REQUEST_MAX_RETRIES="1")
    server.stop()
    assert {op["key"]: op["value"] for op in server.ops("param")}["max_iter"] == "7"
    assert "training_accuracy_score" in {op["key"] for op in server.ops("metric")}
    assert [op["name"] for op in server.ops("model")] == ["model"]
    (dataset,) = server.ops("input")
    assert set(dataset["dataset"]) == {"name", "digest", "source_type", "schema"} and dataset["dataset"]["digest"]


REFUSED = """
import mlflow
from mlflow.exceptions import MlflowException, RestException
client = mlflow.MlflowClient()
run = mlflow.start_run().info.run_id

def refused(code, work, kind=MlflowException):
    try:
        work()
    except kind as error:
        assert error.error_code == code, (error.error_code, error)
        return str(error)
    raise AssertionError("not refused")

mlflow.log_param("p", 1)
mlflow.log_param("p", 1)
assert "Changing param values is not allowed" in refused("INVALID_PARAMETER_VALUE", lambda: mlflow.log_param("p", 2))
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_run("0" * 32), RestException)
refused("PERMISSION_DENIED", lambda: client.delete_run(run), RestException)
refused("PERMISSION_DENIED", lambda: client.restore_run(run), RestException)
refused("ENDPOINT_NOT_FOUND", lambda: client.search_registered_models(), RestException)
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model("x"), RestException)
refused("INVALID_PARAMETER_VALUE", lambda: client.search_runs(["1"], "nonsense ~ 1"), RestException)
refused("INVALID_PARAMETER_VALUE", lambda: client.set_tag(run, "trainshed.run", "another"), RestException)
mlflow.set_tag("still", "here")
assert mlflow.get_experiment_by_name("anything").experiment_id == "1"
"""


def test_what_is_not_answered_is_refused_as_mlflow_refuses(warm: Warm, server: Tracked) -> None:
    server.run(warm, REFUSED)
    status, answer = ask(server, "GET", "/api/2.0/mlflow/traces/nothing")
    assert status == 404 and answer["error_code"] == "ENDPOINT_NOT_FOUND"
    status, answer = ask(server, "POST", "/api/2.0/mlflow-artifacts/mpu/create/1/x/artifacts/a", {"num_parts": 2})
    assert status == 501 and answer["error_code"] == "NOT_IMPLEMENTED"
    assert answer["message"].startswith("Multipart upload is not supported for the current artifact repository")
    assert ask(server, "GET", "/health") == (200, b"OK")


def test_limits_of_keys_and_batches_are_mlflows(server: Tracked) -> None:
    def code(path: str, body: dict[str, Any]) -> str:
        answer = ask(server, "POST", "/api/2.0/mlflow/runs/" + path, {"run_id": RUN, **body})[1]
        return str(answer.get("error_code", "ok"))

    point = {"value": 1, "timestamp": 1, "step": 0}
    bad = "INVALID_PARAMETER_VALUE"
    assert code("log-metric", {"key": "k" * 250, **point}) == "ok"
    assert code("log-metric", {"key": "k" * 251, **point}) == bad
    for key in ("../up", "a//b", "/a", "what?", "new\nline", "", "nul\0"):
        assert code("log-metric", {"key": key, **point}) == bad, key
    assert code("log-metric", {"key": "a", "value": "much", "timestamp": 1}) == bad
    assert code("log-metric", {"key": "a", "value": "1e400", "timestamp": -1}) == bad
    assert code("log-batch", {"metrics": [{"key": "a", **point}] * 1000}) == "ok"
    assert code("log-batch", {"metrics": [{"key": "a", **point}] * 1001}) == bad
    assert code("log-batch", {"params": [{"key": f"p{n}", "value": "1"} for n in range(101)]}) == bad
    assert code("log-batch", {"metrics": "not a list"}) == bad
    assert code("log-batch", {"tags": [{"key": "t", "value": "x" * 2_000_000}]}) == bad, "a body of more than 1 MB"
    assert code("set-tag", {"key": "t", "value": "x" * 9000}) == "ok"
    assert [len(op["value"]) for op in server.ops("tag")] == [8000], "cut as MLflow's server cuts it"
    assert [op["key"] for op in server.ops("param")] == [], "a refused batch leaves nothing"


@pytest.mark.parametrize(
    "path",
    [
        f"1/{RUN}/artifacts/../../../../state.jsonl",
        f"1/{RUN}/artifacts/a/../../b",
        f"1/{RUN}/artifacts/%2e%2e/b",
        f"1/{RUN}/artifacts/%252e%252e/b",
        f"1/{RUN}/artifacts/a%00b",
        f"1/{RUN}/artifacts/a%5c..%5cb",
        f"1/{RUN}/artifacts/a//b",
        f"1/{RUN}/artifacts//etc/passwd",
        f"1/{RUN}/artifacts/%2fetc/passwd",
        f"1/{RUN}/artifacts/" + "n" * 300,
        f"1/{RUN}/artifacts/%ff",
        "1/other/artifacts/a",
        "1/models/m-none/artifacts/a",
        "1/..",
    ],
)
def test_no_path_leads_out_of_a_runs_artifacts(server: Tracked, path: str) -> None:
    before = sorted(str(found) for found in server.folder.rglob("*"))
    for method, body in (("PUT", b"x"), ("GET", None), ("DELETE", None)):
        status, answer = ask(server, method, "/api/2.0/mlflow-artifacts/artifacts/" + path, body)
        assert status in (400, 404) and answer["error_code"], (method, status, answer)
    assert sorted(str(found) for found in server.folder.rglob("*")) == before


def test_a_body_in_chunks_and_keep_alive_on_one_connection(server: Tracked) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.relay.port, timeout=20)) as connection:
        for number in range(3):
            path = f"/api/2.0/mlflow-artifacts/artifacts/1/{RUN}/artifacts/c{number}"
            headers = {"Transfer-Encoding": "chunked"}
            connection.request("PUT", path, iter([b"one ", b"two"]), encode_chunked=True, headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200 and answer.read() == b"{}"
    assert [op["bytes"] for op in server.ops("artifact")] == [7, 7, 7]


def test_a_file_cannot_become_a_folder(server: Tracked) -> None:
    address = f"/api/2.0/mlflow-artifacts/artifacts/1/{RUN}/artifacts/"
    assert ask(server, "PUT", address + "a", b"1")[0] == 200
    assert ask(server, "PUT", address + "a/b", b"2")[1]["error_code"] == "INVALID_PARAMETER_VALUE"
    assert ask(server, "PUT", address + "f/g", b"3")[0] == 200
    assert ask(server, "PUT", address + "f", b"4")[1]["error_code"] == "INVALID_PARAMETER_VALUE"
    assert ask(server, "GET", address + "a")[1] == b"1"


def _memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_of_1_gb_is_refused_by_the_limit_without_growing(home: Path, announced: bool) -> None:
    for server in tracked(home, policy={"artifact_bytes": 10_000_000}):
        path = f"/api/2.0/mlflow-artifacts/artifacts/1/{RUN}/artifacts/"
        assert ask(server, "PUT", path + "small", b"x" * 1_000_000)[0] == 200
        before = _memory(server.process.pid)
        block, count = b"\0" * 1_000_000, 1000
        headers = {"Content-Length": str(len(block) * count)} if announced else {"Transfer-Encoding": "chunked"}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.relay.port, timeout=60)) as connection:
            body = (block for _ in range(count))
            connection.request("PUT", path + "big", body, headers=headers, encode_chunked=not announced)
            answer = connection.getresponse()
            assert answer.status == 413
            assert json.loads(answer.read())["error_code"] == "RESOURCE_LIMIT_EXCEEDED"
        assert _memory(server.process.pid) - before < 20_000, "kB"
        assert not list((server.folder / "tracking" / "incoming").iterdir())
        assert ask(server, "PUT", path + "after", b"x" * 8_900_000)[0] == 200, "a refused body counts for nothing"
        assert [op["path"] for op in server.ops("artifact")] == ["small", "after"]


def _refused_at_once(server: Tracked, path: str, body: bytes, times: int = 3) -> int:
    """kB that the server's memory grew by its bodies of that kind, each of which it refused."""
    before, path = _memory(server.process.pid), "/api/2.0/mlflow/" + path
    with concurrent.futures.ThreadPoolExecutor(times) as pool:
        answers = list(pool.map(lambda _: ask(server, "POST", path, body), range(times)))
    assert {answer.get("error_code") for _, answer in answers} == {"INVALID_PARAMETER_VALUE"}, answers
    return _memory(server.process.pid) - before


@pytest.mark.parametrize("part", [b"{},", b"[],", b'{"":0},', b'"",', b"0,"])
def test_no_body_makes_the_server_much_larger_than_it_is(server: Tracked, part: bytes) -> None:
    def body(size: int) -> bytes:
        return b'{"a":[' + part * ((size - 9) // len(part)) + b"0]}"

    assert _refused_at_once(server, "runs/set-tag", body(20_000_000)) < 20_000
    assert _refused_at_once(server, "runs/set-tag?x=/mlflow/runs/log-inputs", body(20_000_000)) < 20_000
    assert _refused_at_once(server, "runs/set-tag", body(1_000_000)) < 20_000
    assert _refused_at_once(server, "runs/log-inputs", body(20_000_000)) < 120_000


def test_the_largest_bodies_of_mlflow_are_taken(server: Tracked) -> None:
    columns = json.dumps({"mlflow_colspec": [{"type": "double", "name": f'a "{n}"\\'} for n in range(23_000)]})
    dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "{}", "schema": columns}
    assert 1_000_000 < len(columns) < 2**20
    inputs = {"run_id": RUN, "datasets": [{"tags": [], "dataset": {**dataset, "profile": '{[,"' * 2_000_000}}]}
    assert ask(server, "POST", "/api/2.0/mlflow/runs/log-inputs", inputs) == (200, {})
    texts = [{"key": f"k{n}", "value": json.dumps([1] * 1900)} for n in range(100)]
    assert ask(server, "POST", "/api/2.0/mlflow/runs/log-batch", {"run_id": RUN, "params": texts}) == (200, {})
    known = {"model_id": None, "dataset_name": "d", "dataset_digest": "1", "run_id": RUN}
    metrics = [{"key": "m", "value": n, "timestamp": 1, "step": n, **known} for n in range(1000)]
    assert ask(server, "POST", "/api/2.0/mlflow/runs/log-batch", {"run_id": RUN, "metrics": metrics}) == (200, {})
    assert len(server.ops("param")) == 100 and len(server.ops("metric")) == 1000 and len(server.ops("input")) == 1


def test_long_bodies_take_turns_and_short_ones_do_not_wait(server: Tracked) -> None:
    batch = json.dumps({"run_id": RUN, "params": [{"key": "p", "value": "x" * 6000}] * 2}).encode()
    point = {"run_id": RUN, "key": "m", "value": 1, "timestamp": 1}
    with (
        concurrent.futures.ThreadPoolExecutor(1) as pool,
        socket.create_connection(("127.0.0.1", server.relay.port), 30) as slow,
    ):
        head = f"POST /api/2.0/mlflow/runs/log-batch HTTP/1.1\r\nHost: x\r\nContent-Length: {len(batch)}\r\n\r\n"
        slow.sendall(head.encode() + batch[:100])
        time.sleep(0.5)
        second = pool.submit(ask, server, "POST", "/api/2.0/mlflow/runs/log-batch", batch)
        assert ask(server, "POST", "/api/2.0/mlflow/runs/log-metric", point) == (200, {})
        time.sleep(0.5)
        assert not second.done()
        slow.sendall(batch[100:])
        assert second.result(30) == (200, {}) and slow.recv(100).startswith(b"HTTP/1.1 200")


RESTARTED = """
import mlflow, sys
from sklearn.linear_model import SGDClassifier
with mlflow.start_run():
    mlflow.log_param("p", 1)
    for step in range(200):
        mlflow.log_metric("m", step, step=step)
        if step in (50, 150):
            print(step, flush=True)
            sys.stdin.readline()
    mlflow.log_text("after", "folder/after.txt")
    assert mlflow.MlflowClient().get_run(mlflow.active_run().info.run_id).data.params == {"p": "1"}
"""


def test_a_server_killed_in_mid_run_goes_on_where_it_was(client: str, server: Tracked) -> None:
    import subprocess

    env = {**server.env, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "8"}
    words = [client, "-c", RESTARTED]
    job = subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert job.stdin is not None and job.stdout is not None
    for _ in range(2):
        assert job.stdout.readline()
        server.kill()
        with (server.folder / "tracking" / "log.jsonl").open("ab") as log:
            log.write(b'{"seq":9999,"op":"met')  # what a crash leaves
        server.start()
        job.stdin.write("\n")
        job.stdin.flush()
    job.communicate(timeout=100)
    assert job.returncode == 0
    server.stop()
    assert [op["step"] for op in server.ops("metric")] == list(range(200))
    assert [op["path"] for op in server.ops("artifact")] == ["folder/after.txt"]


def test_an_artifact_that_a_crash_left_unrecorded_is_recorded(server: Tracked) -> None:
    path = f"/api/2.0/mlflow-artifacts/artifacts/1/{RUN}/artifacts/"
    for name in ("plots/a.png", "model/model.pkl", "model/MLmodel"):
        assert ask(server, "PUT", path + name, name.encode())[0] == 200
    server.kill()  # before the folders were quiet for long enough
    assert server.ops("artifact") == []
    server.start()
    server.stop()
    found = {op["path"]: op.get("model", False) for op in server.ops("artifact")}
    assert found == {"plots/a.png": False, "model/model.pkl": True, "model/MLmodel": True}


def test_a_second_server_on_one_folder_is_refused(server: Tracked) -> None:
    from core.agent import tracking
    from core.agent.faults import Fault

    with pytest.raises(Fault, match="tracked by another process"):
        tracking.serve(str(server.folder), server.job)
    assert ask(server, "GET", "/health")[0] == 200


def test_the_socket_may_be_used_by_another_user_and_its_folder_not(server: Tracked) -> None:
    socket = server.folder / "tracking" / "tracking.sock"
    assert socket.stat().st_mode & 0o777 == 0o666
    assert socket.parent.stat().st_mode & 0o077 == 0


def test_ten_threads_log_at_once_and_nothing_is_lost(newest: Warm, server: Tracked) -> None:
    code = """
import mlflow, concurrent.futures
client = mlflow.MlflowClient()
run = mlflow.start_run().info.run_id
def work(thread):
    for step in range(50):
        client.log_metric(run, "m%d" % thread, step, step=step)
        client.log_param(run, "p%d.%d" % (thread, step), step)
    client.log_text(run, "x" * 100000, "t%d/file.txt" % thread)
with concurrent.futures.ThreadPoolExecutor(10) as pool:
    list(pool.map(work, range(10)))
"""
    server.run(newest, code)
    server.stop()
    metrics = [(op["key"], op["step"]) for op in server.ops("metric")]
    assert sorted(metrics) == sorted((f"m{thread}", step) for thread in range(10) for step in range(50))
    assert len(server.ops("param")) == 500 and len(server.ops("artifact")) == 10


@pytest.mark.parametrize("python", [sys.executable, oldest()])
def test_100_000_metrics_in_batches(home: Path, python: str, capsys: pytest.CaptureFixture[str]) -> None:
    for server in tracked(home, python=python):
        point = {"value": 1 / 7, "timestamp": 1_700_000_000_000}
        points = [{**point, "key": f"k{n % 10}", "step": n} for n in range(1000)]
        body = json.dumps({"run_id": RUN, "metrics": points}).encode()
        began = time.perf_counter()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.relay.port, timeout=60)) as connection:
            for _ in range(100):
                connection.request("POST", "/api/2.0/mlflow/runs/log-batch", body)
                assert connection.getresponse().read() == b"{}"
        took = time.perf_counter() - began
        with capsys.disabled():
            print(f"\n{Path(python).name} {python}: 100,000 metrics in {took:.1f} s, {100_000 / took:,.0f} a second")
        assert len(server.ops("metric")) == 100_000
        assert ask(server, "GET", f"/api/2.0/mlflow/runs/get?run_id={RUN}")[1]["run"]["data"]["metrics"]


def test_the_oldest_python_answers_a_real_client(home: Path, newest: Warm) -> None:
    for server in tracked(home, python=oldest()):
        server.run(newest, LOGGING)
        server.run(newest, MODELS)
        server.stop()
        assert len(server.ops("register")) == 2


def test_many_connections_at_once_are_all_answered(server: Tracked) -> None:
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: ask(server, "GET", "/version"), range(300)))
    assert {status for status, _ in answers} == {200}


def test_figures_are_artifacts(newest: Warm, server: Tracked) -> None:
    pytest.importorskip("matplotlib")
    code = """
import mlflow, matplotlib.pyplot as plt
with mlflow.start_run():
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    mlflow.log_figure(figure, "plots/curve.png")
"""
    server.run(newest, code)
    server.stop()
    (op,) = server.ops("artifact")
    assert op["path"] == "plots/curve.png" and op["bytes"] > 1000
