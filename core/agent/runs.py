"""Runs: made once a ULID, owned by a supervisor of their own, listed, shown and cancelled by any client."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from typing import Any

from . import data_store, jobs, listing, processes, runfolder, sandbox, spawn, summary
from .call import Call
from .faults import Fault
from .following import follow
from .states import TERMINAL, States

__all__ = ["cancel", "create", "follow", "list", "show"]

CANCEL_WAIT = 20.0  # seconds: the grace of a job and then some
FORCE_WAIT = 10.0  # seconds for what was killed to go


def create(call: Call, run: str, job: dict[str, Any], policy: dict[str, Any]) -> dict[str, Any]:
    """Makes the run and starts its supervisor. A second create of the same ULID finds the first."""
    runfolder.check_ulid(run)
    folder = os.path.join(runfolder.runs_folder(call.root), run)
    with data_store.kept(call, job):
        if not os.path.exists(folder):
            jobs.check(call.root, run, job, policy)
            sandbox.require(policy)
        lock = _make(call.root, folder, job, policy)
    existed = lock is None
    if lock is None:
        lock = _left_behind(folder)
    if lock is not None:
        spawn.supervisor(call.root, run, folder, lock)
    return {"run": run, "state": States(folder).last()["state"], "existed": existed}


def _make(root: str, folder: str, job: dict[str, Any], policy: dict[str, Any]) -> int | None:
    """The new run's lock; None where the folder is there already. The folder appears complete or not at all."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    if os.path.exists(folder):
        return None
    fresh = tempfile.mkdtemp(prefix=".new-", dir=os.path.dirname(folder))
    for name in ("tracking", "outputs", "held", "code"):
        os.mkdir(os.path.join(fresh, name))
    for name, content in (("job.json", job), ("policy.json", policy)):
        with open(os.path.join(fresh, name), "w", encoding="utf-8") as file:
            json.dump(content, file)
    for name in (runfolder.RAW, runfolder.PASSED):
        open(os.path.join(fresh, name), "wb").close()
    states = States(fresh)
    states.reserve()
    states.append([""], "created")
    lock = runfolder.take(fresh, wait=True)
    try:
        os.rename(fresh, folder)  # refused where the folder exists: it is never empty
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if lock is not None:
            os.close(lock)
        if not os.path.isdir(folder):
            raise
        return None
    return lock


def _left_behind(folder: str) -> int | None:
    """The lock of a run whose maker died before it could start the supervisor; None otherwise."""
    lock = runfolder.take(folder)
    if lock is None:
        return None
    last = States(folder).last()
    if last["state"] == "created" and States(folder).same_boot(last):
        return lock
    os.close(lock)
    return None


def list(call: Call, seen: dict[str, Any] | None = None, changes: bool = False) -> dict[str, Any]:
    """Every run of this VM, newest first. With `changes` as `Listing.look` tells them."""
    found = listing.HERE.look(call.root, seen)
    return found if changes else {"runs": found["runs"]}


def show(call: Call, run: str) -> dict[str, Any]:
    """Fields of `events.RunInfo`."""
    return summary.info(runfolder.find(call.root, run))


def job(call: Call, run: str) -> dict[str, Any]:
    """The job as it was created, for another run of it."""
    return runfolder.read_json(runfolder.find(call.root, run), "job.json")


def cancel(call: Call, run: str, owner: str = "", force: bool = False) -> dict[str, Any]:
    """Ends the run: SIGTERM, grace, SIGKILL, its whole tree. A run that has ended stays as it is, which is said.

    A supervisor that does not do so in time is ended as well: its job may be what keeps it busy.
    One that has not begun finds that it need not: the two write by compare-and-set.
    """
    folder = runfolder.find(call.root, run)
    runfolder.own(folder, owner, force, "cancel")
    said = "cancelled before it started"
    unstarted = States(folder).append(["created"], "cancelled", said, patience=CANCEL_WAIT)
    last = runfolder.settled(folder)
    if last["state"] in TERMINAL and not unstarted:
        return {"state": last["state"], "ended_before": last["time"]}
    if last["state"] not in TERMINAL:
        open(os.path.join(folder, runfolder.CANCEL), "ab").close()
    waited = 0.0
    while last["state"] not in TERMINAL:
        processes.send(last["pid"], last["start"], signal.SIGUSR1)
        if waited > CANCEL_WAIT:
            _force(folder, last)
        if waited > CANCEL_WAIT + FORCE_WAIT:
            raise Fault("run", "run %s does not end" % run, "look into %s/supervisor.log on the VM" % folder)
        call.wait(0.05)
        waited += 0.05
        last = runfolder.settled(folder)
    return {"state": last["state"]}


def _force(folder: str, last: dict[str, Any]) -> None:
    """SIGKILL for the sandbox, then for the supervisor. Whoever looks next writes down how the run ended."""
    if not States(folder).same_boot(last):
        return
    below = processes.tree(last["pid"]) if processes.alive(last["pid"], last["start"]) else []
    processes.end(last.get("sandbox", []) + [processes.identity(pid) for pid in below])
    processes.send(last["pid"], last["start"], signal.SIGKILL)
