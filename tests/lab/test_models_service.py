"""`Services.models` and `Services.deploy` over a real agent, a real workspace and a real model server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio

from core.data import upload
from core.demo.azurite import Storage
from core.deploy.service import LiveDeploy, service_name
from core.errors import ConfigError, RunError, ServiceError, UsageError, WorkspaceError
from core.events import (
    DataStaged,
    Event,
    ModelPackaged,
    ModelRegistered,
    ModelsListed,
    Predicted,
    ServiceChanged,
    ServicesListed,
)
from core.models.service import LiveModels
from core.site import files
from core.workspace import opened

from .agent_adapter import ProcessLink
from .serving import CONTAINER, ENDPOINT, HELD_OUT, PYTHON
from .test_runs_service import _data
from .vm import new_ulid

T = TypeVar("T")

pytestmark = pytest.mark.timeout(300)


class Lab:
    """A site whose VM is the one that the iris run is on."""

    def __init__(self, home: Path, root: Path, data: Iterable[str] = ()) -> None:
        lines = ['name = "lab"', "[vms.vm]", 'host = "127.0.0.1"', *data]
        (home / "lab.toml").write_text("\n".join(lines) + "\n")
        self.site = files.load(home / "lab.toml")
        self.link = ProcessLink(root, python=PYTHON)
        workspace = opened(self.site)
        self.models = LiveModels(self.site, self.link, workspace)
        self.deploy = LiveDeploy(self.site, self.link, workspace)


@pytest_asyncio.fixture
async def lab(home: Path, serving_root: Path, held_out: dict[str, str]) -> AsyncIterator[Lab]:
    data = ["[data]", f'endpoint = "{ENDPOINT}"', f'container = "{CONTAINER}"', 'credential = "env:NONE"']
    made = Lab(home, serving_root, data)
    yield made
    await made.link.close()


async def last(events: Any, kind: type[T]) -> T:
    found: list[Event] = [event async for event in events]
    assert isinstance(found[-1], kind), found
    return found[-1]


async def test_the_same_run_registered_twice_is_one_version_with_its_lineage(lab: Lab, iris_run: str) -> None:
    first = await last(lab.models.register(iris_run, tags={"ward": "7"}), ModelRegistered)
    second = await last(lab.models.register(iris_run[:8]), ModelRegistered)
    assert (first.model, first.existed, second.existed) == ("iris", False, True)
    assert second.version == first.version
    assert first.tags["trainshed.run"] == iris_run
    assert {"trainshed.environment", "trainshed.digest", "trainshed.vm", "trainshed.target", "ward"} <= set(first.tags)


async def test_a_person_cannot_overwrite_lineage(lab: Lab, iris_run: str) -> None:
    made = await last(lab.models.register(iris_run, tags={"trainshed.run": "another"}), ModelRegistered)
    assert made.tags["trainshed.run"] == iris_run


async def test_the_registered_name_can_be_chosen(lab: Lab, iris_run: str) -> None:
    await last(lab.models.register(iris_run, name="Ward 7 flowers"), ModelRegistered)
    listed = await last(lab.models.list(), ModelsListed)
    assert [(info.model, info.version, info.run) for info in listed.models] == [("Ward 7 flowers", "1", iris_run)]
    assert listed.models[0].source == f"trainshed://lab/vm/runs/{iris_run}/models/iris"
    packaged = await last(lab.models.package("Ward 7 flowers:1"), ModelPackaged)
    assert packaged.path.endswith("/packages/Ward 7 flowers/1")


async def test_a_run_that_is_not_there_or_logged_no_model_is_refused(lab: Lab, iris_run: str) -> None:
    with pytest.raises(RunError, match="no run"):
        await last(lab.models.register(new_ulid()), ModelRegistered)
    with pytest.raises(WorkspaceError, match="no model 'rose'"):
        await last(lab.models.package("rose"), ModelPackaged)
    with pytest.raises(UsageError, match="does not name a model"):
        await last(lab.models.package("iris:"), ModelPackaged)


async def test_a_model_of_another_vm_is_not_packaged_here(lab: Lab, iris_run: str) -> None:
    await last(lab.models.register(iris_run), ModelRegistered)
    workspace = opened(lab.site)
    workspace.register("elsewhere", iris_run, f"trainshed://lab/other/runs/{iris_run}/models/iris", "0" * 64, {})
    with pytest.raises(RunError, match="is on VM other"):
        await last(lab.models.package("elsewhere"), ModelPackaged)


async def test_from_a_registered_model_to_a_checked_prediction(lab: Lab, iris_run: str) -> None:
    await last(lab.models.register(iris_run), ModelRegistered)
    changed = await last(lab.deploy.start("iris", service="asked"), ServiceChanged)
    assert (changed.info.state, changed.info.model, changed.info.version) == ("healthy", "iris", "1")
    listed = await last(lab.deploy.list(), ServicesListed)
    assert "healthy" in [info.state for info in listed.services if info.service == "asked"]
    right = await last(lab.deploy.invoke("asked", row=1), Predicted)
    wrong = await last(lab.deploy.invoke("asked", row=2), Predicted)
    assert (right.prediction, right.expected, right.correct) == ("2", "2", True)
    assert (wrong.prediction, wrong.expected, wrong.correct) == ("0", "2", False)
    with pytest.raises(UsageError, match="it has 3 rows"):
        await last(lab.deploy.invoke("asked", row=17), Predicted)
    assert (await last(lab.deploy.stop("asked"), ServiceChanged)).info.state == "stopped"
    with pytest.raises(ServiceError, match="stopped"):
        await last(lab.deploy.invoke("asked", row=1), Predicted)


async def test_a_held_out_file_that_is_not_staged_yet_is_staged(
    home: Path, serving_root: Path, iris_run: str, storage: Storage
) -> None:
    upload.upload(storage.described("flowers"), {"later/other.csv": HELD_OUT.encode() + b"\n"})
    made = Lab(home, serving_root, _data(home, storage, "flowers"))
    try:
        await last(made.models.register(iris_run), ModelRegistered)
        await last(made.deploy.start("iris", service="staging"), ServiceChanged)
        path = "azureml://datastores/site/paths/later/other.csv"
        asked = [event async for event in made.deploy.invoke("staging", row=0, data=path, target="target")]
        assert isinstance(asked[-1], Predicted) and asked[-1].correct
        assert not [event for event in asked if isinstance(event, DataStaged)]
        again = await last(made.deploy.invoke("staging", row=0, data="later/other.csv"), Predicted)
        assert again.correct
        assert len([op for op, _ in made.link.asked if op == "data.stage"]) == 1
        await last(made.deploy.stop("staging"), ServiceChanged)
    finally:
        await made.link.close()


@pytest.mark.parametrize("data", ["https://elsewhere.example/x.csv", "later/", "azureml:patients@latest"])
async def test_data_that_is_no_file_of_the_container_is_refused(lab: Lab, iris_run: str, data: str) -> None:
    await last(lab.models.register(iris_run), ModelRegistered)
    await last(lab.deploy.start("iris", service="refusing"), ServiceChanged)
    with pytest.raises(ConfigError):
        await last(lab.deploy.invoke("refusing", row=0, data=data), Predicted)


async def test_a_service_that_is_not_there_is_named(lab: Lab) -> None:
    with pytest.raises(ServiceError, match="no service roses"):
        await last(lab.deploy.invoke("roses", row=0), Predicted)


@pytest.mark.parametrize(
    ("model", "name"), [("Ward 7/risk", "ward-7-risk"), ("iris", "iris"), ("---", "model"), ("ä", "model")]
)
def test_a_service_is_named_after_its_model(model: str, name: str) -> None:
    assert service_name(model) == name
