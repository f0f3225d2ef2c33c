"""`python3 -m agent supervise ROOT RUN`: owns one run from its start to its last state.

It survives the client and the agent's connection. Descriptor 0 is the run's lock.
"""

from __future__ import annotations

import os
import signal
import traceback
from typing import Any

from . import container, environment_files, jobs, queue, resources, runfolder, sandbox
from .contained import Bwrap, Contained
from .docked import Docked
from .docker_api import Docker
from .faults import Fault
from .output import FIFO, LIMIT, Output
from .sources import Sources
from .states import TERMINAL, States
from .supervised import FULL, Outcome, Supervised
from .watch import Watch

QUEUE_LOOK_S = 1.0  # seconds between two looks whether one of those ahead has died


def main(root: str, run: str) -> None:
    os.umask(0o077)
    from . import tracking

    supervise(root, run, tracking)


def supervise(root: str, run: str, tracking: Any, states: States | None = None) -> None:
    """`tracking`: the module whose `serve(folder, job)` answers MLflow, or None for a job that logs nothing.

    A run that an earlier supervisor had begun is gone on with.
    """
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
        states.append(["created"], "preparing")
        if states.last()["state"] in TERMINAL:
            return
        work = _Work(root, run, folder, states, wakeup, place.assigned)
        outcome = work.done(tracking)
        more = {} if outcome.exit_code is None else {"exit_code": outcome.exit_code}
        states.append(["preparing", "running"], outcome.state, outcome.reason, **more, **outcome.used)
        place.leave()  # Docker may take its time
        work.discard()
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


def _failure(error: Exception) -> Outcome:
    """In words without a record: the traceback goes into supervisor.log, which stays on the VM."""
    if isinstance(error, Fault):
        return Outcome("failed", error.title)
    if isinstance(error, OSError) and error.errno in FULL:
        return Outcome("failed", "the disk of the VM is full")
    try:
        traceback.print_exception(type(error), error, error.__traceback__)
    except OSError:
        return Outcome("failed", "the disk of the VM is full")  # what failed before was a program that said so itself
    if isinstance(error, OSError):
        return Outcome("failed", "the run could not be carried out: %s" % error.strerror)
    return Outcome("failed", "the supervisor failed (%s)" % type(error).__name__)


class _Work:
    """One run from its preparation to its outcome."""

    def __init__(self, root: str, run: str, folder: str, states: States, wakeup: int, gpus: list[int]) -> None:
        self._root, self._run, self._folder = root, run, folder
        self._states, self._wakeup, self._gpus = states, wakeup, gpus
        self._job = runfolder.read_json(folder, "job.json")
        self._policy = runfolder.read_json(folder, "policy.json")
        self._policy["memory_bytes"] = self._policy.get("memory_bytes") or resources.for_jobs()
        self._docker = self._policy.get("engine") == "docker"
        self._contained: Contained | None = None

    def done(self, tracking: Any) -> Outcome:
        try:
            return self._carried_out(tracking)
        except Exception as error:
            return _failure(error)

    def discard(self) -> None:
        if self._contained is not None:
            self._contained.discard()
        elif self._docker:  # what an earlier supervisor had made
            container.discard(Docker(), self._root, self._run)

    def _carried_out(self, tracking: Any) -> Outcome:
        folder, policy = self._folder, self._policy
        if not self._prepared():
            jobs.prepare(self._root, folder, self._job)
        server = tracking.serve(folder, self._job, policy, self._socket_folder()) if tracking else None
        sources = Sources(folder, self._job, server.store) if server else None
        output = Output(folder, policy.get("log_bytes") or LIMIT, sources.feed if sources else len, self._docker)
        try:
            self._contained = self._made(server.socket_path if server else "")
            limits = self._job.get("timeout_s"), policy["memory_bytes"]
            return Supervised(folder, self._states, output, self._wakeup, self._contained, *limits).run()
        finally:
            output.close()
            if sources is not None:
                sources.close()
            if server is not None:
                server.close()

    def _prepared(self) -> bool:
        """By an earlier supervisor, which then made the FIFO: by now the job may have changed its folder."""
        return self._docker and os.path.exists(os.path.join(self._folder, FIFO))

    def _socket_folder(self) -> str:
        """A container sees the folder, in which another supervisor can make the socket anew."""
        if not self._docker:
            return ""
        made = os.path.join(self._folder, "socket")
        os.makedirs(made, mode=0o711, exist_ok=True)
        os.chmod(made, 0o711)  # noqa: S103 - the job is another user; the run's folder is closed
        return made

    def _made(self, socket_path: str) -> Contained:
        binds = jobs.binds(self._root, self._folder, self._job)
        binds += [(path, path, "dev") for path in queue.devices(self._gpus)]
        conda = environment_files.is_conda(self._root, self._job.get("environment"))
        env, words = jobs.variables(self._job, bool(socket_path), self._docker, conda), jobs.words(self._job)
        if not self._docker:
            if socket_path:
                binds.append((sandbox.give(socket_path), sandbox.TRACKING_SOCKET, "ro"))
            return Bwrap(self._policy, binds, env, jobs.JOB, words)
        image = environment_files.image(self._root, self._job["environment"])
        binds.append((self._socket_folder(), container.RUN_FOLDER + "/socket", "ro"))
        binds.append((os.path.join(self._folder, FIFO), container.RUN_FOLDER + "/output", "rw"))
        binds.append((container.once(self._folder), container.RUN_FOLDER + "/once", "rw"))
        shell = ["/bin/sh", *words[1:]]
        made = container.body(self._run, self._root, image, self._policy, binds, env, jobs.JOB, shell)
        return Docked(Docker(), self._run, self._root, made)
