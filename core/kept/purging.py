"""Takes what is kept from others' eyes, or removes it: each item by itself, so that a bad one ends nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..site import paths
from . import LOCK, Item, elsewhere, ours
from .elsewhere import forget_what_is_gone as forget_what_is_gone


def mended(item: Item) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Takes from others what they could do with the item: what was changed, and what was not and why. Blocks."""
    changed, not_changed = [], list(item.untouched)
    for path in item.open_to:
        try:
            _mend(item, path)
        except FileNotFoundError:
            continue
        except (ours.Left, *ours.FAULTS) as error:
            not_changed.append((path, ours.reason(error)))
        else:
            changed.append(path)
    return changed, not_changed


def _mend(item: Item, path: Path) -> None:
    if item.entry is not None:
        with elsewhere.opened(item.entry) as (_, handle):
            ours.close_to_others(handle)
        return
    with ours.folder_of(item.kind.base(), path) as folder, ours.opened(folder, path.name) as handle:
        ours.close_to_others(handle)


def purged(items: Sequence[Item]) -> list[tuple[Item, str]]:
    """Removes them; those that stay, and why, to be read after the path. Blocks."""
    stayed = []
    with contextlib.ExitStack() as locks:
        held: dict[Path, int] = {}
        for item in items:
            try:
                if item.left:
                    raise ours.Left(item.left)
                if item.kind.name == "workspace" and item.path.parent not in held:
                    held[item.path.parent] = locks.enter_context(_workspace(item.path))
                _remove(item)
            except FileNotFoundError:
                if os.path.lexists(item.path):
                    stayed.append((item, "changed while it was removed"))
            except (ours.Left, *ours.FAULTS) as error:
                stayed.append((item, ours.reason(error)))
    return stayed


def _remove(item: Item) -> None:
    """Raises Left for what is in use, not ours or no longer what it was; OSError, RecursionError."""
    if not item.kind.ours:
        raise ours.Left("is in a place that you chose: files of yours may be among it")
    if item.kind.name == "demo":
        _refuse_a_running_demo()
    if item.entry is None:
        with ours.folder_of(item.kind.base(), item.path) as folder:
            ours.remove(folder, item.path.name)
        return
    with elsewhere.opened(item.entry) as (folder, handle):
        now = os.stat(item.path.name, dir_fd=folder, follow_symlinks=False)
        if not os.path.samestat(now, os.fstat(handle)):
            raise ours.Left("is another file than the one that was written")
        os.unlink(item.path.name, dir_fd=folder)


@contextlib.contextmanager
def _workspace(path: Path) -> Iterator[int]:
    """Holds the lock of the workspace that `path` is of. Raises Left where another process has it, OSError."""
    with ours.folder_of(paths.states(), path) as folder:
        handle = os.open(LOCK, os.O_RDWR | os.O_CREAT | ours.SAFE, 0o600, dir_fd=folder)
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise ours.Left("is in use by another process") from None
    try:
        yield handle
    finally:
        os.close(handle)


def _refuse_a_running_demo() -> None:
    from ..demo.processes import Processes

    try:
        going = bool(Processes(paths.demo()).items)
    except (KeyError, TypeError, AttributeError, RecursionError):
        raise ours.Left("has a processes.json that cannot be read: whether it runs is not known") from None
    if going:
        raise ours.Left("is running, or was not stopped in good order (trainshed demo down)")
