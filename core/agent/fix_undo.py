"""The last fix that is kept, taken back: planned as any other fix, and tried as any other."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from typing import Any, Dict, List

from . import fix_place, revert
from .faults import Fault
from .fix_plan import Mode, Plan, Write
from .fix_server import Server

UNDONE = "undone"
MOST = 20  # folders of fixes that are decided


def plan(server: Server, state: str) -> Plan:
    """Only what is still as the fix left it is touched. Raises Fault, OSError."""
    folder = last(state)
    manifest = revert.read(folder)
    refused: Dict[str, str] = {}
    writes = [_write(folder, number, item, refused) for number, item in enumerate(manifest["files"])]
    modes = [_mode(item, refused) for item in manifest["modes"]]
    if refused:
        raise Fault("fix", "%s; so it is not undone" % "; ".join(refused.values()), "the copies are in %s" % folder)
    return Plan(server, {}, {}, writes, modes, {}, fix_place.included_files(server.config), manifest["id"])


def last(state: str) -> str:
    """The folder of the last fix that is kept and was not undone. Raises Fault."""
    kept = [folder for folder in _folders(state) if _open(folder)]
    if not kept:
        raise Fault("fix", "there is no fix on this VM that could be undone")
    return max(kept, key=lambda folder: float(revert.read(folder)["made"]))


def newest(state: str) -> float:
    """When the last fix of all was made, by what it says; 0 for none. Raises OSError."""
    return max([0.0, *(float(revert.read(folder)["made"]) for folder in _folders(state))])


def forget_old(state: str) -> None:
    """Only the last fixes stay: what they wrote holds, but one that is gone cannot be undone. Raises OSError."""
    decided = []
    for folder in _folders(state):
        with contextlib.suppress(OSError, ValueError, KeyError):  # one that cannot be read is a person's to look at
            manifest = revert.read(folder)
            armed = revert.pending(folder) or any(os.path.lexists(path) for path in manifest["armed"])
            decided += [] if armed else [(float(manifest["made"]), folder)]
    for _, folder in sorted(decided)[:-MOST]:
        gone = os.path.join(state, "." + os.path.basename(folder))  # what is begun with a dot, the next fix removes
        os.rename(folder, gone)
        shutil.rmtree(gone, ignore_errors=True)


def _folders(state: str) -> List[str]:
    names = os.listdir(state) if os.path.isdir(state) else []
    return [os.path.join(state, name) for name in names if not name.startswith(".")]


def _open(folder: str) -> bool:
    """It is kept, takes nothing back itself, and nobody took it back."""
    if not os.path.exists(os.path.join(folder, revert.KEPT)) or os.path.exists(os.path.join(folder, UNDONE)):
        return False
    return not revert.read(folder)["undoes"]


def mark(folder: str) -> None:
    """It is undone, for good: folders that it made go too, unless something else is in them."""
    for made in reversed(revert.read(folder)["folders"]):
        with contextlib.suppress(OSError):
            os.rmdir(made)
            revert.sync(os.path.dirname(made))
    os.rename(os.path.join(folder, revert.KEPT), os.path.join(folder, UNDONE))
    revert.sync(folder)


def _write(folder: str, number: int, item: Dict[str, Any], refused: Dict[str, str]) -> Write:
    path, before, after = item["path"], item["before"], item["after"]
    there = fix_place.read(path) if os.path.exists(path) else None
    left = fix_place.read(os.path.join(folder, "after", str(number))) if after is not None else None
    if there != left:
        refused[path] = "%s was changed since" % path
    if before is None:
        return Write(path, None, 0, 0, 0)
    text = fix_place.read(os.path.join(folder, "before", str(number)))
    return Write(path, text, before["mode"], before["uid"], before["gid"], before.get("attributes", {}))


def _mode(item: Dict[str, Any], refused: Dict[str, str]) -> Mode:
    path = item["path"]
    try:
        status = os.stat(path, follow_symlinks=False)
        now, uid = stat.S_IMODE(status.st_mode), status.st_uid
    except OSError:
        now = uid = -1
    if now != item["after"] or uid != item.get("uid", uid):
        refused[path] = "the permissions of %s were changed since" % path
    return Mode(path, item["after"], item["mode"], uid)
