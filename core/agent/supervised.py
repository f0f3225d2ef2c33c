"""One job under supervision: its output, its end, its time and memory, and cancelling it."""

from __future__ import annotations

import errno
import functools
import os
import selectors
import time
from typing import Any

from . import processes, resources, runfolder
from .contained import Contained, signal_name
from .output import Output
from .resources import EVERY_S, FIRST_S, Sampler
from .states import States
from .timers import Timers

GRACE = 10.0  # seconds from SIGTERM to SIGKILL
KILLED = 137  # a job that ended by SIGKILL, or whose shell tells so
WATCH = 1.0  # seconds between two looks at the memory, and for a cancel
FULL = (errno.ENOSPC, errno.EDQUOT)


class Outcome:
    def __init__(self, state: str, reason: str = "", exit_code: int | None = None) -> None:
        self.state = state
        self.reason = reason
        self.exit_code = exit_code
        self.used: dict[str, Any] = {}  # of the machine


class Supervised:
    """`timeout_s`: how long the job may take, from its first process on; None for ever."""

    def __init__(
        self,
        folder: str,
        states: States,
        output: Output,
        wakeup: int,
        job: Contained,
        timeout_s: float | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        self._folder = folder
        self._cancel_file = os.path.join(folder, runfolder.CANCEL)
        self._states = states
        self._output = output
        self._wakeup = wakeup
        self._job = job
        self._timeout_s = timeout_s
        self._memory_bytes = None if job.limits_memory else memory_bytes
        self._timers = Timers()
        self._cancelled = False
        self._late = False  # the job's time was over
        self._failure = ""  # why we ended it ourselves
        self._oom_kills = resources.oom_kills()

    def run(self) -> Outcome:
        if os.path.exists(self._cancel_file) and not self._going_on and self._job.forgo():
            return Outcome("cancelled", "cancelled before it started")
        self._job.start(self._output, self._started)
        try:
            used = self._attend()
        finally:
            self._job.kill()
        self._job.close()
        self._rest()
        outcome = self._outcome()
        outcome.used = used
        return outcome

    @property
    def _going_on(self) -> bool:
        """An earlier supervisor had begun it."""
        return bool(self._states.last()["state"] == "running")

    def _attend(self) -> dict[str, object]:
        """Until the job has ended; what it took of the machine."""
        if self._memory_bytes:
            self._timers.every(WATCH, functools.partial(self._watch, self._memory_bytes))
        sampler = Sampler(self._folder, self._job.outermost)
        self._timers.every(EVERY_S, sampler.sample)
        self._timers.after(FIRST_S, sampler.sample)  # short runs, too
        self._timers.every(WATCH, self._listen)  # whoever cancels may know an earlier supervisor only
        selector = selectors.DefaultSelector()
        for source, attend in ((self._output, self._move), (self._wakeup, self._wake), *self._job.sources()):
            selector.register(source, selectors.EVENT_READ, attend)
        self._wake()  # a cancel may have come while nobody listened
        with selector:
            while self._job.running():
                for key, _ in selector.select(self._timers.patience()):
                    if key.data() is False:
                        selector.unregister(key.fileobj)
                self._timers.ring()
        return sampler.close()

    def _started(self) -> None:
        pids = [processes.identity(pid) for pid in self._job.outermost()]
        now = time.monotonic()  # the same for every process until the next boot
        self._states.append(["preparing"], "running", sandbox=pids, began=now)
        if self._timeout_s is not None:
            began = float(self._states.last().get("began", now))
            self._timers.after(self._timeout_s - (now - began), self._overdue)

    def _move(self) -> None:
        try:
            if not self._failure:
                self._output.pump()
        except OSError as error:
            self._fail("the disk of the VM is full" if error.errno in FULL else str(error))

    def _fail(self, reason: str) -> None:
        self._failure = self._failure or reason
        self._force()

    def _force(self) -> None:
        """Until it has ended: an engine may refuse once."""
        self._job.kill()
        if self._job.running():
            self._timers.after(GRACE, self._force)

    def _wake(self) -> None:
        try:
            os.read(self._wakeup, 4096)
        except BlockingIOError:
            pass
        self._listen()

    def _listen(self) -> None:
        if not self._cancelled and os.path.exists(self._cancel_file):
            self._cancel()

    def _cancel(self) -> None:
        if self._job.end is not None:
            return  # it has ended by itself
        self._cancelled = True
        self._end_politely()

    def _overdue(self) -> None:
        if self._job.end is None and not self._cancelled:
            self._late = True
            self._end_politely()

    def _end_politely(self) -> None:
        """SIGTERM for all of it; what is left after the grace is killed."""
        self._timers.off(self._overdue)
        self._timers.after(GRACE if self._job.began else 0.0, self._force)
        self._job.terminate()

    def _watch(self, memory_bytes: int) -> None:
        pids = {pid for outer in self._job.outermost() for pid in [outer, *processes.tree(outer)]}
        used = processes.memory_bytes(sorted(pids))
        if used > memory_bytes:
            self._fail("out of memory: %d MiB used, %d MiB allowed" % (used >> 20, memory_bytes >> 20))

    def _rest(self) -> None:
        """What still waits in the FIFO: nobody writes to it any more."""
        try:
            if not self._failure:
                self._output.drain()
        except OSError as error:
            self._failure = "the disk of the VM is full" if error.errno in FULL else str(error)

    def _outcome(self) -> Outcome:
        code = self._exit_code()
        if self._failure:
            return Outcome("failed", self._failure)
        if self._cancelled:
            return Outcome("cancelled", "cancelled", code)
        if self._late:
            return Outcome("failed", "time limit of %g s" % (self._timeout_s or 0), code)
        if not self._job.began:
            return Outcome("failed", "the sandbox did not start: %s" % (self._output.tail() or "no message"))
        why = self._job.failure()
        if why or self._job.end is None:
            return Outcome("failed", why, code)
        kind, number = self._job.end
        how = "ended by signal %s" % signal_name(number) if kind == "signal" else "exit code %d" % number
        if code == KILLED and resources.oom_kills() > self._oom_kills:
            how = "out of memory: %s, and the VM's kernel had none left" % how
        return Outcome("completed", "", 0) if code == 0 else Outcome("failed", how, code)

    def _exit_code(self) -> int | None:
        """As a shell has it: 128 + n for signal n; None where the command did not end by itself."""
        if self._job.end is None:
            return None
        kind, number = self._job.end
        return number + (128 if kind == "signal" else 0)
