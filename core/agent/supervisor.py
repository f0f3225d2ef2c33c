"""`python3 -m agent supervise ROOT RUN`: owns one run from its start to its last state.

It survives the client and the agent's connection. Descriptor 0 is the run's lock.
"""

from __future__ import annotations

import errno
import os
import signal
import traceback
from typing import Any

from . import jobs, queue, runfolder, sandbox
from .faults import Fault
from .output import LIMIT, Output
from .sources import Sources
from .states import States
from .supervised import Outcome, Supervised
from .watch import Watch

QUEUE_LOOK_S = 1.0  # seconds between two looks whether one of those ahead has died
FULL = (errno.ENOSPC, errno.EDQUOT)


def main(root: str, run: str) -> None:
    os.umask(0o077)
    from . import tracking

    supervise(root, run, tracking)


def supervise(root: str, run: str, tracking: Any, states: States | None = None) -> None:
    """`tracking`: the module whose `serve(folder, job)` answers MLflow, or None for a job that logs nothing."""
    folder = runfolder.find(root, run)
    states = states or States(folder)
    wakeup = _listen_to_signals()
    try:
        place = _waited(root, run, folder, states, wakeup)
    except Exception as error:
        failed = _failure(error)
        states.append(["created"], failed.state, failed.reason)
        return
    if place is None:
        return
    try:
        if not states.append(["created"], "preparing"):
            return
        outcome = _carried_out(root, folder, states, tracking, wakeup, place.assigned)
        more = {} if outcome.exit_code is None else {"exit_code": outcome.exit_code}
        states.append(["preparing", "running"], outcome.state, outcome.reason, **more, **outcome.used)
    finally:
        place.leave()


def _waited(root: str, run: str, folder: str, states: States, wakeup: int) -> queue.Place | None:
    """The run's place once it is its turn; None where it was cancelled meanwhile."""
    policy, job = runfolder.read_json(folder, "policy.json"), runfolder.read_json(folder, "job.json")
    place = queue.Place(root, run, policy.get("slots") or 0, jobs.gpus(job))
    with Watch([os.path.join(root, queue.FOLDER), folder]) as watch:
        while not place.start():
            if states.last()["state"] != "created" or os.path.exists(os.path.join(folder, runfolder.CANCEL)):
                place.leave()
                states.append(["created"], "cancelled", "cancelled before it started")
                return None
            watch.pause(QUEUE_LOOK_S, wakeup)
    return place


def _listen_to_signals() -> int:
    """A descriptor that can be read when a child ended or somebody asked for the end."""
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writable)
    for number in (signal.SIGCHLD, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)
    return readable


def _carried_out(root: str, folder: str, states: States, tracking: Any, wakeup: int, gpus: list[int]) -> Outcome:
    try:
        return _carry_out(root, folder, states, tracking, wakeup, gpus)
    except Exception as error:
        return _failure(error)


def _failure(error: Exception) -> Outcome:
    """In words without a record: the traceback goes into supervisor.log, which stays on the VM."""
    if isinstance(error, Fault):
        return Outcome("failed", error.title)
    if isinstance(error, OSError) and error.errno in FULL:
        return Outcome("failed", "the disk of the VM is full")
    traceback.print_exception(type(error), error, error.__traceback__)
    if isinstance(error, OSError):
        return Outcome("failed", "the run could not be carried out: %s" % error.strerror)
    return Outcome("failed", "the supervisor failed (%s)" % type(error).__name__)


def _carry_out(root: str, folder: str, states: States, tracking: Any, wakeup: int, gpus: list[int]) -> Outcome:
    job = runfolder.read_json(folder, "job.json")
    policy = runfolder.read_json(folder, "policy.json")
    jobs.prepare(root, folder, job)
    binds = jobs.binds(root, folder, job) + [(path, path, "dev") for path in queue.devices(gpus)]
    server = tracking.serve(folder, job) if tracking else None
    sources = Sources(folder, job, server.store) if server else None
    output = Output(folder, policy.get("log_bytes") or LIMIT, sources.feed if sources else len)
    try:
        if server is not None:
            binds.append((sandbox.give(server.socket_path), sandbox.TRACKING_SOCKET, "ro"))
        env = jobs.variables(job, server is not None)
        supervised = Supervised(folder, states, output, wakeup, job.get("timeout_s"))
        outcome = supervised.run(policy, binds, env, jobs.JOB, jobs.words(job))
        outcome.used = supervised.used
        return outcome
    finally:
        output.close()
        if sources is not None:
            sources.close()
        if server is not None:
            server.close()
