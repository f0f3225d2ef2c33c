"""Fixtures of the tests that use real programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .sshd import Sshd


@pytest.fixture
def sshd(home: Path) -> Iterator[Sshd]:
    """One sshd on loopback with an ed25519 host key and a key that may log in."""
    server = Sshd(home / "sshd")
    yield server
    server.stop()
