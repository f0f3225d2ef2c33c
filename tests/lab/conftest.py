"""Fixtures of the tests that use real programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.demo import parts
from core.demo.azurite import Storage
from core.errors import MissingPart

from . import azurite, network
from .databases import databases_are_copied  # noqa: F401
from .front import StrictFront
from .network import Network
from .serving import held_out, iris_run, model_environment, serving_agent, serving_base, serving_root  # noqa: F401
from .sshd import Sshd


@pytest.fixture
def sshd(home: Path) -> Iterator[Sshd]:
    """One sshd on loopback with an ed25519 host key and a key that may log in."""
    server = Sshd(home / "sshd")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    """One Azurite over HTTPS for the whole session; each test has a container of its own."""
    try:
        parts.azurite()
        parts.node()
    except MissingPart as missing:
        pytest.skip(f"{missing.title}: {missing.hint}")
    with azurite.running(tmp_path_factory.mktemp("azurite")) as service:
        yield service


@pytest.fixture
def front(storage: Storage) -> Iterator[StrictFront]:
    """A door to it that is as old as Stack Hub."""
    door = StrictFront(storage)
    yield door
    door.stop()


@pytest.fixture(scope="session")
def vm_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A VM's network with a storage service's behind it, and nothing else."""
    if network.lacking():
        pytest.skip(network.lacking())
    made = Network(tmp_path_factory.mktemp("network"))
    yield made
    made.close()
