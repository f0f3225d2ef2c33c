"""The SQLite file of the local workspace, looked at before MLflow is: MLflow waits for minutes where it is bad."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ..errors import WorkspaceError
from ..site import paths

LOCK_WAIT_S = 5.0
LOCKED = "the workspace's database is locked by another program"
LOCKED_HINT = "wait until the other program is done, or close it; nothing is lost meanwhile"


class Database:
    """`changed()` tells when another file has taken the place of the one that was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: tuple[int, int] | None = None

    def check(self) -> None:
        """Raises WorkspaceError where the file is gone, locked, or not a database."""
        if not self.path.exists():
            if self._known is not None:
                raise WorkspaceError(
                    f"the workspace's database {self.path} is gone",
                    hint="put it back; a new one is begun when trainshed starts again",
                )
            return
        try:
            connection = sqlite3.connect(self.path, timeout=LOCK_WAIT_S, isolation_level=None)
            with contextlib.closing(connection):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise WorkspaceError(LOCKED, hint=LOCKED_HINT) from None
            raise WorkspaceError(f"the workspace's database {self.path} cannot be used: {error}") from None
        except sqlite3.DatabaseError as error:
            hint = "move it away to begin a new one, or put a copy of it back"
            raise WorkspaceError(f"{self.path} is not a database: {error}", hint=hint) from None

    def changed(self) -> bool:
        """True the first time, and again after the file was replaced."""
        status = self.path.stat()
        identity = (status.st_dev, status.st_ino)
        known, self._known = self._known, identity
        return known != identity


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one process of this computer at a time, where the platform has `flock`."""
    try:
        import fcntl
    except ImportError:  # Windows: the lease on the VM already keeps two forwarders apart
        yield
        return
    with open(folder / "workspace.lock", "wb", opener=paths.private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
