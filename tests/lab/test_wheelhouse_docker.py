"""Requirements on top of an image where no index is reached: asked, fetched for and installed in containers."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.environments.target import Target
from core.environments.wheelhouse import Wheelhouse
from core.errors import BuildError
from core.jobs import snapshot

from .agent_process import AgentProcess
from .dockerd import IMAGE, Dockerd, dockerd, one_dockerd
from .test_docker import Docked
from .test_wheelhouse import cache
from .vm import VM, one_vm
from .wheels import Index, digest, wheel

__all__ = ["cache", "dockerd", "one_dockerd", "one_vm"]

pytestmark = pytest.mark.timeout(180)


async def built(agent: AgentProcess, requirements: str, image: str = IMAGE) -> tuple[dict[str, Any], list[str]]:
    """As core.runs.building does it: the result, and what was fetched."""
    found = agent.call("environments.find", image=image, requirements=requirements)
    house = Wheelhouse(requirements, msgspec.convert(found["target"], Target))
    async for _ in house.filled():
        pass
    names = sorted(path.name for path in house.folder.glob("*.whl"))
    sent = await house.snapshot()
    chunks = [chunk async for chunk in snapshot.chunks(sent)]
    agent.call("snapshots.put", digest=sent.digest, store="wheels", upload=chunks)
    result = agent.call("environments.build", image=image, requirements=requirements, wheels=sent.digest)
    assert result["hash"] == found["hash"]
    return result, names


async def test_requirements_on_an_image_are_installed_without_a_network(
    one_vm: VM, dockerd: Dockerd, tmp_path: Path, home: Path
) -> None:
    docked, since = Docked(one_vm, dockerd), time.time()
    with Index(tmp_path / "index").served() as index:
        wheel(index.folder, "lab-top", "1.0", needs=["lab-low"])
        wheel(index.folder, "lab-low", "1.0")
        agent = one_vm.agent()
        result, names = await built(agent, index.line + "lab-top\n")
        assert names == ["lab_low-1.0-py3-none-any.whl", "lab_top-1.0-py3-none-any.whl"]
        # the installer's network, in Docker's own words: TRAINSHED_BUILD_NETWORK is host here
        assert _networks(dockerd, since) == {"none"}
        docked.environment = result["hash"]
        assert docked.run("python3 -c 'import lab_top; print(lab_top.WHAT)'").text == "1.0 py3-none-any\n"
        again = agent.call("environments.find", image=IMAGE, requirements=index.line + "lab-top\n")
        assert (again["hash"], again["built"], again["target"]) == (result["hash"], True, None)

        base = json.loads((one_vm.root / "environments" / result["hash"] / "environment.json").read_text())["image"]
        wheel(index.folder, "lab-low", "2.0")
        wheel(index.folder, "lab-more", "1.0", needs=["lab-low"])
        _, names = await built(agent, index.line + "lab-more\n", base)
        assert names == ["lab_more-1.0-py3-none-any.whl"], "what the image has stays"
        wheel(index.folder, "lab-new", "1.0", needs=["lab-low>=2", "lab-top"])
        _, names = await built(agent, index.line + "lab-new\n", base)
        assert names == ["lab_low-2.0-py3-none-any.whl", "lab_new-1.0-py3-none-any.whl"], "unless it cannot"
        (index.folder / "lab-low" / "lab_low-1.0-py3-none-any.whl").unlink()
        result, names = await built(agent, index.line + "lab-more\nlab-top\n", base)
        assert names == ["lab_more-1.0-py3-none-any.whl"], "also where no index has it"
        more = f"lab-more==1.0 --hash=sha256:{digest(index.folder / 'lab-more' / names[0])}\n"
        has = "".join(f"{name}==1.0 --hash=sha256:{'0' * 64}\n" for name in ("lab-low", "lab-top"))
        result, names = await built(agent, index.line + more + has, base)
        assert names == ["lab_more-1.0-py3-none-any.whl"], "hashes are of what is fetched, as pip has it"
        docked.environment = result["hash"]
        assert docked.run("python3 -c 'import lab_low; print(lab_low.WHAT)'").text == "1.0 py3-none-any\n"


def _networks(daemon: Dockerd, since: float) -> set[str]:
    """That the containers made since then were connected to."""
    filters = json.dumps({"type": ["network"], "event": ["connect"]})
    found = daemon.api.lines("GET", "/events", since=f"{since:.0f}", until=f"{time.time() + 1:.0f}", filters=filters)
    return {line["Actor"]["Attributes"]["name"] for line in found}


def test_an_image_without_python_is_said(one_vm: VM, dockerd: Dockerd) -> None:
    from .test_agent_snapshots import member, put, tar

    agent = one_vm.agent()
    digest = put(agent, tar((member("Dockerfile"), f"FROM {IMAGE}\nUSER root\nRUN rm -f /usr/bin/python3*\n".encode())))
    made = agent.call("environments.build", context={"digest": digest, "dockerfile": "Dockerfile"})
    image = json.loads((Path(made["path"]) / "environment.json").read_text())["image"]
    with pytest.raises(BuildError, match="no python3 that requirements could go on top of"):
        agent.call("environments.find", image=image, requirements="six\n")
    assert dockerd.containers() == []
