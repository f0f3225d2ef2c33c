"""One sandbox under supervision: its output, its end, cancelling it, and the watchdog."""

from __future__ import annotations

import errno
import functools
import os
import re
import selectors
import signal
import socket
from typing import Sequence

from . import processes, runfolder, sandbox
from .output import Output
from .resources import EVERY_S, FIRST_S, Sampler
from .states import States
from .timers import Timers

GRACE = 10.0  # seconds from SIGTERM to SIGKILL
WATCH = 1.0  # seconds between two looks at the memory
ENDED = re.compile(rb"(exit|signal) (\d{1,3})\Z")


class Outcome:
    def __init__(self, state: str, reason: str = "", exit_code: int | None = None) -> None:
        self.state = state
        self.reason = reason
        self.exit_code = exit_code
        self.used: dict[str, object] = {}  # of the machine


class Supervised:
    """`timeout_s`: how long the job may take, from its first process on; None for ever."""

    def __init__(
        self, folder: str, states: States, output: Output, wakeup: int, timeout_s: float | None = None
    ) -> None:
        self._cancel_file = os.path.join(folder, runfolder.CANCEL)
        self._states = states
        self._output = output
        self._wakeup = wakeup
        self._heard = b""
        self._began = False
        self._end: tuple[str, int] | None = None  # ("exit", code) or ("signal", number), said once
        self._cancelled = False
        self._late = False  # the job's time was over
        self._timeout_s = timeout_s
        self._timers = Timers()
        self._folder = folder
        self.used: dict[str, object] = {}  # what it took of the machine
        self._failure = ""  # why we ended it ourselves

    def run(
        self, policy: sandbox.Policy, binds: Sequence[sandbox.Bind], env: dict[str, str], cwd: str, argv: Sequence[str]
    ) -> Outcome:
        if os.path.exists(self._cancel_file):
            return Outcome("cancelled", "cancelled before it started")
        self._control, theirs = socket.socketpair()
        self._control.setblocking(False)
        job = self._output.job
        self._process = sandbox.start(policy, binds, env, cwd, argv, stdin=theirs, stdout=job, stderr=job)
        theirs.close()
        try:
            self._attend(policy.get("memory_bytes"))
        finally:
            sandbox.terminate(self._process)
        self._hear()
        self._rest()
        self._control.close()
        return self._outcome()

    def _attend(self, memory_bytes: int | None) -> None:
        """Until the sandbox has ended."""
        if memory_bytes:
            self._timers.every(WATCH, functools.partial(self._watch, memory_bytes))
        sampler = Sampler(self._folder, self._process.pid)
        self._timers.every(EVERY_S, sampler.sample)
        self._timers.after(FIRST_S, sampler.sample)  # short runs, too
        selector = selectors.DefaultSelector()
        for source, attend in ((self._output, self._move), (self._control, self._hear), (self._wakeup, self._wake)):
            selector.register(source, selectors.EVENT_READ, attend)
        with selector:
            while self._process.poll() is None:
                for key, _ in selector.select(self._timers.patience()):
                    if key.data() is False:
                        selector.unregister(key.fileobj)
                self._timers.ring()
        self.used = sampler.close()

    def _move(self) -> None:
        try:
            if not self._failure:
                self._output.pump()
        except OSError as error:
            self._fail("the disk of the VM is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error))

    def _fail(self, reason: str) -> None:
        self._failure = self._failure or reason
        sandbox.terminate(self._process)

    def _hear(self) -> bool:
        """Reads what the first process says; False when it has said all."""
        try:
            chunk = self._control.recv(4096)
        except BlockingIOError:
            return True
        except OSError:
            return False
        *words, self._heard = (self._heard + chunk)[-4096:].split(b"\n")
        for word in words:
            self._understand(word)
        return bool(chunk)

    def _understand(self, word: bytes) -> None:
        """The first of each kind: nothing that is said later, by whom ever, changes it."""
        ended = ENDED.match(word)
        if ended and self._end is None:
            self._end = ended.group(1).decode(), int(ended.group(2))
        elif word == b"started" and not self._began:
            self._began = True
            self._started()

    def _started(self) -> None:
        inner = processes.children(self._process.pid)
        pids = [processes.identity(pid) for pid in [*inner, self._process.pid]]
        self._states.append(["preparing"], "running", sandbox=pids)
        if self._timeout_s is not None:
            self._timers.after(self._timeout_s, self._overdue)

    def _wake(self) -> None:
        try:
            os.read(self._wakeup, 4096)
        except BlockingIOError:
            pass
        if not self._cancelled and os.path.exists(self._cancel_file):
            self._cancel()

    def _cancel(self) -> None:
        if self._end is not None:
            return  # it has ended by itself
        self._cancelled = True
        self._end_politely()

    def _overdue(self) -> None:
        if self._end is None and not self._cancelled:
            self._late = True
            self._end_politely()

    def _end_politely(self) -> None:
        """SIGTERM for all of it; what is left after the grace is killed."""
        self._timers.off(self._overdue)
        self._timers.after(GRACE if self._began else 0.0, self._kill)
        try:
            self._control.sendall(b"term\n")
        except OSError:
            pass

    def _kill(self) -> None:
        sandbox.terminate(self._process)

    def _watch(self, memory_bytes: int) -> None:
        used = processes.memory_bytes(processes.tree(self._process.pid))
        if used > memory_bytes:
            self._fail("out of memory: %d MiB used, %d MiB allowed" % (used >> 20, memory_bytes >> 20))

    def _rest(self) -> None:
        """What still waits in the FIFO: nobody writes to it any more."""
        try:
            if not self._failure:
                self._output.drain()
        except OSError as error:
            self._failure = "the disk of the VM is full" if error.errno == errno.ENOSPC else str(error)

    def _outcome(self) -> Outcome:
        code = self._exit_code()
        if self._failure:
            return Outcome("failed", self._failure)
        if self._cancelled:
            return Outcome("cancelled", "cancelled", code)
        if self._late:
            return Outcome("failed", "time limit of %g s" % (self._timeout_s or 0), code)
        if not self._began:
            return Outcome("failed", "the sandbox did not start: %s" % (self._output.tail() or "no message"))
        if self._end is None:
            return Outcome("failed", "the sandbox was ended from outside (%s)" % self._process.returncode)
        kind, number = self._end
        if kind == "signal":
            return Outcome("failed", "ended by signal %s" % _signal_name(number), code)
        return Outcome("completed" if code == 0 else "failed", "" if code == 0 else "exit code %d" % number, code)

    def _exit_code(self) -> int | None:
        """As a shell has it: 128 + n for signal n; None where the command did not end by itself."""
        if self._end is None:
            return None
        kind, number = self._end
        return number + (128 if kind == "signal" else 0)


def _signal_name(number: int) -> str:
    try:
        return "%d (%s)" % (number, signal.Signals(number).name)
    except ValueError:
        return str(number)
