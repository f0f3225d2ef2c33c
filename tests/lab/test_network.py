"""The VM in a network of its own: the path to the storage service works, is broken, and works again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.demo.azurite import HOST
from core.ssh.link import SiteLink
from tests.pythons import oldest

from . import network
from .front import StrictFront
from .made_up import Container, many
from .network import Network
from .sites import hermetic, site_of
from .sshd import Sshd
from .vm import PYTHON

ASK = """
import json, socket, sys
try:
    with socket.create_connection((sys.argv[1], 443), 1.5) as found:
        print(json.dumps(found.getpeername()[0]))
except OSError as error:
    print(json.dumps(type(error).__name__ + ": " + str(error)))
"""


@pytest.fixture
def door(vm_network: Network, home: Path) -> Iterator[StrictFront]:
    containers = {"made": Container(many(20))}
    found = StrictFront(folder=home, containers=containers, listener=vm_network.listener())
    yield found
    found.stop()


def asked(vm_network: Network, host: str = network.STORAGE) -> str:
    return str(json.loads(vm_network.run(PYTHON, "-c", ASK, host)))


def test_the_path_is_broken_in_each_way_and_works_again(vm_network: Network, door: StrictFront) -> None:
    assert asked(vm_network) == network.STORAGE
    assert asked(vm_network, HOST).startswith("gaierror")
    vm_network.names({HOST: network.STORAGE})
    assert asked(vm_network, HOST) == network.STORAGE
    vm_network.names({})
    assert "unreachable" in asked(vm_network, "198.51.100.1")  # nothing leads out
    with vm_network.unplugged():
        assert "unreachable" in asked(vm_network)
    with vm_network.rejected():
        assert "No route" in asked(vm_network)
    with vm_network.dropped():
        assert "imed out" in asked(vm_network) or "imeout" in asked(vm_network)
    door.stop()
    assert "refused" in asked(vm_network)


async def test_an_agent_there_stages_over_ssh_and_over_a_slow_cable(
    vm_network: Network, door: StrictFront, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hermetic(home, monkeypatch)
    server = Sshd(home / "sshd", settings=vm_network.settings)
    link = SiteLink(site_of(server))
    source = {**door.described("made"), "api_version": "2019-07-07"}
    assert source["endpoint"] == f"https://{HOST}" and source["address"] == network.STORAGE
    try:
        agent = await link.agent()
        result = await agent.call("data.stage", source=source, path="many/")
        assert (result["files"], result["bytes"]) == (20, 20 * 4096)
        place = server.home / ".trainshed/data" / result["digest"] / "files"
        assert {path.name for path in place.iterdir()} == {f"{number:06}.bin" for number in range(20)}
    finally:
        await link.close()
        server.stop()
    door.containers["made"].put(*many(1, 400_000, "more/"))
    with vm_network.slow("4mbit"), vm_network.agent(home / "vm", python=oldest()) as piped:
        began = time.monotonic()
        piped.call("data.stage", source=source, path="more/")
        assert time.monotonic() - began > 0.5  # 400 kB at 500 kB/s
