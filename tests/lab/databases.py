"""MLflow makes a database by all its migrations, in half a second: here once a process, and copied from then on.

`tests/contract` holds that a copy is the real thing.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from functools import lru_cache
from pathlib import Path

import pytest

from core.workspace.local import LocalWorkspace

MAKE = LocalWorkspace._make


@lru_cache(maxsize=1)
def empty() -> bytes:
    """A database as MLflow makes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mlflow.db"
        MAKE(LocalWorkspace(path.parent), path)
        return path.read_bytes()


def copied(workspace: LocalWorkspace, path: Path) -> None:
    """In place of `LocalWorkspace._make`: differs by its folder alone, which the first experiment has in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(empty())
    fresh.chmod(0o600)
    with contextlib.closing(sqlite3.connect(fresh)) as connection, connection:
        place = (workspace._folder / "artifacts" / "0").as_uri()
        connection.execute("update experiments set artifact_location = ? where experiment_id = 0", [place])
    os.rename(fresh, path)


@pytest.fixture(autouse=True)
def databases_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalWorkspace, "_make", copied)
