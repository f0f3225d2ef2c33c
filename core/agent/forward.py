"""Who forwards what a run logged to the workspace, and how far it came: one holder at a time, by a lease.

`forward.json` in the run's folder: {"holder", "until" (seconds since the epoch), "cursor"}; every change is
a compare-and-set under a lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from typing import Any, Dict, Iterator

from . import runfolder
from .call import Call
from .faults import Fault
from .summary import TRACKING_LOG
from .tail import Tail

FILE = "forward.json"
LONGEST_S = 3600.0
clock = time.time  # tests set another


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[Dict[str, Any]]:
    """The file's content; what is changed in it is written when the block ends without an error."""
    fd = os.open(os.path.join(folder, "forward.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        state = _read(folder)
        before = dict(state)
        yield state
        if state != before:
            _write(folder, state)
    finally:
        os.close(fd)


def _read(folder: str) -> Dict[str, Any]:
    try:
        with open(os.path.join(folder, FILE), encoding="utf-8") as file:
            state: Dict[str, Any] = json.load(file)
            return state
    except FileNotFoundError:
        return {"holder": "", "until": 0.0, "cursor": 0}


def _write(folder: str, state: Dict[str, Any]) -> None:
    fresh = os.path.join(folder, FILE + ".new")
    with open(fresh, "w", encoding="utf-8") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, os.path.join(folder, FILE))


def lease(call: Call, run: str, holder: str, seconds: float) -> Dict[str, Any]:
    """Takes or renews the lease; `seconds` 0 gives it back. Granted where nobody else holds an unexpired one."""
    if not isinstance(holder, str) or not holder or not 0 <= seconds <= LONGEST_S:
        raise Fault("run", "a lease needs a holder and 0 to %d seconds" % LONGEST_S)
    with _locked(runfolder.find(call.root, run)) as state:
        now = clock()
        # a lease that ends later than any may is of a clock that jumped
        held = state["holder"] not in ("", holder) and now < state["until"] <= now + LONGEST_S
        if not held:
            state.update(holder=holder if seconds else "", until=now + seconds if seconds else 0.0)
        return {"granted": not held, "cursor": state["cursor"]}


def commit(call: Call, run: str, holder: str, cursor: int) -> Dict[str, Any]:
    """Everything up to `seq` = cursor is in the workspace. Only the holder may say so; the cursor never goes back."""
    with _locked(runfolder.find(call.root, run)) as state:
        if state["holder"] != holder or clock() >= state["until"]:
            raise Fault("run", "another client forwards run %s now" % run, cursor=state["cursor"])
        if not isinstance(cursor, int) or cursor < state["cursor"]:
            raise Fault("run", "the cursor of run %s is at %d already" % (run, state["cursor"]), cursor=state["cursor"])
        state["cursor"] = cursor
        return {}


def read(call: Call, run: str, cursor: int, limit: int = 1000) -> Dict[str, Any]:
    """Sends {"event": "tracking", …} for the `limit` operations after `cursor`; ends where the log ends for now."""
    log = Tail(os.path.join(runfolder.find(call.root, run), TRACKING_LOG))
    sent = 0
    lines = log.lines()
    while lines and sent < limit:
        for line in lines:
            op = json.loads(line.decode())
            if op["seq"] > cursor and sent < limit:
                call.event(**dict(op, event="tracking"))
                sent += 1
        lines = log.lines()
    return {"sent": sent}
