"""What is built on a VM: listed with who needs it, removed only where nobody does."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from core import errors

from .dockerd import IMAGE, Dockerd, dockerd, one_dockerd
from .test_docker import Docked, docked
from .test_runner import running
from .vm import VM, one_vm

__all__ = ["docked", "dockerd", "one_dockerd", "one_vm"]

YEAR_S = 366 * 86400.0


def built(vm: VM) -> str:
    return str(vm.agent().call("environments.build", requirements="")["hash"])


def listed(vm: VM) -> dict[str, dict[str, Any]]:
    return {each["hash"]: each for each in vm.agent().call("environments.list")["environments"]}


def test_an_environment_shows_what_it_is_and_who_needs_it(one_vm: VM) -> None:
    digest = built(one_vm)
    info = listed(one_vm)[digest]
    assert (info["kind"], info["runs"], info["needed"]) == ("venv", 0, False)
    assert info["what"].startswith("Python 3.") and info["bytes"] > 10_000 and info["used"] == info["built"]
    agent = one_vm.agent()
    run = one_vm.start(agent, "sleep 60", environment=digest)
    running(one_vm, run)
    assert (listed(one_vm)[digest]["runs"], listed(one_vm)[digest]["needed"]) == (1, True)
    with pytest.raises(errors.BuildError, match="in use"):
        agent.call("environments.prune", older_s=0, wanted=[digest])
    assert agent.call("environments.prune", older_s=0, wanted=[])["removed"] == []
    agent.call("runs.cancel", run=run)
    assert agent.call("environments.prune", older_s=YEAR_S, wanted=[])["removed"] == []
    done = agent.call("environments.prune", older_s=0, wanted=[])
    assert done["removed"] == [digest] and done["bytes"] == info["bytes"]
    assert not (one_vm.root / "environments" / digest).exists() and listed(one_vm) == {}
    with pytest.raises(errors.BuildError, match="not built"):
        one_vm.start(agent, "true", environment=digest)
    assert built(one_vm) == digest


def test_what_a_package_needs_stays(one_vm: VM) -> None:
    digest = built(one_vm)
    package = one_vm.root / "packages" / "model" / "1"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"environment": digest}))
    assert listed(one_vm)[digest]["needed"]
    assert one_vm.agent().call("environments.prune", older_s=0, wanted=[])["removed"] == []


def test_what_an_interrupted_prune_left_goes_with_the_next(one_vm: VM) -> None:
    built(one_vm)
    left = one_vm.root / "environments" / (".pruned-" + "0" * 64)
    (left / "env").mkdir(parents=True)
    (left / "env" / "closed").mkdir(mode=0)
    one_vm.agent().call("environments.prune", older_s=YEAR_S, wanted=[])
    assert not left.exists()


def test_only_an_image_that_was_built_here_is_removed(docked: Docked, dockerd: Dockerd) -> None:
    agent = docked.vm.agent()
    own = agent.call("environments.build", image=IMAGE, requirements="six==1.17.0\n")["hash"]
    record = json.loads((docked.vm.root / "environments" / own / "environment.json").read_text())
    shown = listed(docked.vm)
    assert {(each["kind"], each["what"]) for each in shown.values()} == {("image", IMAGE)}
    assert all(each["bytes"] > 50_000_000 for each in shown.values())
    removed = agent.call("environments.prune", older_s=0, wanted=[])["removed"]
    assert sorted(removed) == sorted([own, docked.environment])
    images = {each["Id"] for each in dockerd.api.call("GET", "/images/json")}
    assert record["image"] not in images and dockerd.base_image() in images


def test_a_run_in_docker_needs_its_environment(docked: Docked) -> None:
    run = docked.start("sleep 60")
    docked.going(run)
    assert listed(docked.vm)[docked.environment]["needed"]
    docked.vm.agent().call("runs.cancel", run=run)
    assert os.listdir(docked.vm.root / "environments").count(docked.environment) == 1


def test_a_model_out_of_a_container_is_not_packaged_as_something_else(docked: Docked) -> None:
    run = docked.start("true")
    assert docked.ended(run).result["state"] == "completed"
    with pytest.raises(errors.RunError, match="Docker image"):
        docked.vm.agent().call("models.package", run=run, model="m", version="1", name="m", files={})
