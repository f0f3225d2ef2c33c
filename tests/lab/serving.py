"""What tests of served models share: a "VM" with a real environment, and a real run that logged a model."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.agent import stage_plan
from core.errors import BuildError
from core.sandbox import policy

from ..pythons import oldest
from .agent_process import AgentProcess
from .vm import new_ulid

REQUIREMENTS = (Path(__file__).parents[2] / "core/demo/job/requirements.txt").read_text()
SERVER = {"server.py": (Path(__file__).parents[2] / "core/deploy/server.py").read_text()}
PYTHON = oldest()  # of the agent; the model's environment has the tests' own
OWN = "{}.{}".format(*sys.version_info)

TRAIN = """
import mlflow, mlflow.sklearn
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

flowers = load_iris(as_frame=True)
model = LogisticRegression(max_iter=1000).fit(flowers.data, flowers.target)
signature = infer_signature(flowers.data, model.predict(flowers.data))
mlflow.sklearn.log_model(model, name="iris", signature=signature)
"""
# Two flowers that no doubt can be had about; the third has the first one's leaves and another label.
ENDPOINT, CONTAINER = "https://ward.blob.local.azurestack.external", "records"  # that is not there
HELD_OUT = """sepal length (cm),sepal width (cm),petal length (cm),petal width (cm),target
5.1,3.5,1.4,0.2,0
6.3,3.3,6.0,2.5,2
5.1,3.5,1.4,0.2,2
"""


@pytest.fixture(scope="session")
def serving_base() -> Iterator[Path]:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trainshed-tests"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    yield folder


@pytest.fixture(scope="session")
def model_environment(serving_base: Path) -> tuple[Path, str]:
    """(agent's root, hash) of the demo job's environment: built for real, once a machine."""
    root = serving_base / "environment-vm"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with AgentProcess(root, python=PYTHON, env={"PATH": path}) as agent:
        try:
            built = agent.call("environments.build", requirements=REQUIREMENTS, python=OWN)
        except BuildError as error:
            if "Failed to establish a new connection" not in error.hint:
                raise
            pytest.skip("no package index can be reached, so no environment can be built")
    return root, str(built["hash"])


@pytest.fixture(scope="session")
def serving_root(serving_base: Path, model_environment: tuple[Path, str]) -> Iterator[Path]:
    """A VM that has the environment, one run that logged the model `iris`, and the held-out flowers."""
    folder = Path(tempfile.mkdtemp(dir=serving_base, prefix="serving-"))
    source, digest = model_environment
    (folder / "environments").mkdir()
    subprocess.run(["cp", "-al", source / "environments" / digest, folder / "environments" / digest], check=True)
    yield folder
    with AgentProcess(folder, python=PYTHON) as agent:
        for service in agent.call("services.list")["services"]:
            agent.call("services.stop", service=service["service"])
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def serving_agent(serving_root: Path) -> Iterator[AgentProcess]:
    with AgentProcess(serving_root, python=PYTHON) as started:
        yield started


@pytest.fixture(scope="session")
def iris_run(serving_root: Path, serving_agent: AgentProcess, model_environment: tuple[Path, str]) -> str:
    run = new_ulid()
    job = {
        "run": run,
        "name": "iris",
        "tags": {"trainshed.heldout": "flowers/held-out.csv", "trainshed.target": "target"},
        "experiment": "flowers",
        "command": f"python - <<'END'\n{TRAIN}\nEND",
        "environment": model_environment[1],
        "inputs": {},
    }
    serving_agent.call("runs.create", run=run, job=job, policy=policy.for_job(data=False))
    ended = serving_agent.call("runs.follow", run=run, offset=0, cursor=0)
    assert ended["state"] == "completed", (serving_root / "runs" / run / "passed.log").read_text()
    return run


@pytest.fixture(scope="session")
def held_out(serving_root: Path) -> dict[str, str]:
    """Staged, as the agent leaves it, from the blob `flowers/held-out.csv`."""
    entry = {"path": "held-out.csv", "size": len(HELD_OUT), "sha256": hashlib.sha256(HELD_OUT.encode()).hexdigest()}
    digest = stage_plan.digest([entry])
    path = "flowers/held-out.csv"
    source = {"source": f"{ENDPOINT}/{CONTAINER}", "path": path, "within": path, "listing": "", "etags": {}}
    manifest = {"digest": digest, "files": [entry], "sources": [source], "staged": 1.0}
    files = serving_root / "data" / digest / "files"
    files.mkdir(parents=True)
    (files / "held-out.csv").write_text(HELD_OUT)
    (files.parent / "manifest.json").write_text(json.dumps(manifest))
    return {"digest": digest, "file": "held-out.csv"}
