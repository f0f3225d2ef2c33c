"""Removes runs that have ended, when somebody asks for it: nothing is ever removed by itself."""

from __future__ import annotations

import os
import shutil
from typing import Any, Dict

from . import container, folders, runfolder
from .call import Call
from .docker_api import Docker, Unanswered
from .faults import Fault
from .states import TERMINAL

PATIENCE = 10.0  # seconds
GONE = ".deleted-"  # a run's folder on its way out: no longer a run, whatever happens next


def delete(call: Call, run: str, owner: str = "", force: bool = False) -> Dict[str, Any]:
    """{"bytes"}: what was freed. Raises Fault for a run that goes on, or that is another's without `force`."""
    folder = runfolder.find(call.root, run)
    runfolder.own(folder, owner, force, "delete")
    if runfolder.settled(folder)["state"] not in TERMINAL:
        raise _going(run)
    lock = _taken(call, run, folder)
    try:
        _remove_container(folder, run)
        gone = os.path.join(os.path.dirname(folder), GONE + run)
        shutil.rmtree(gone, ignore_errors=True)  # of an earlier run of that ULID, cut short
        os.rename(folder, gone)
    finally:
        os.close(lock)
    freed = _bytes(gone)
    sweep(call.root)
    return {"bytes": freed}


def _taken(call: Call, run: str, folder: str) -> int:
    """The run's lock, which its supervisor gives up shortly after it wrote the last state."""
    waited = 0.0
    while waited < PATIENCE:
        lock = runfolder.take(folder)
        if lock is not None:
            return lock
        call.wait(0.05)
        waited += 0.05
    raise _going(run)


def sweep(root: str) -> None:
    """What an earlier deletion left that was cut short."""
    base = runfolder.runs_folder(root)
    for name in os.listdir(base):
        if name.startswith(GONE):
            folders.remove(os.path.join(base, name))


def _remove_container(folder: str, run: str) -> None:
    """Docker may be gone by now: what it keeps of the run is a name and an empty layer then."""
    if runfolder.read_json(folder, "policy.json").get("engine") == "docker":
        try:
            container.remove(Docker(), run)
        except Unanswered:
            pass


def _going(run: str) -> Fault:
    return Fault("run", "run %s has not ended" % run, "trainshed cancel %s first" % run)


def _bytes(folder: str) -> int:
    """As the disk counts them."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(base, name)).st_blocks * 512
            except OSError:
                continue
    return total
