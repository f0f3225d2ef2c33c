"""What is built on a VM: listed with who needs it, removed only where nobody does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core import errors

from .test_runner import running
from .vm import VM, one_vm

__all__ = ["one_vm"]

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
