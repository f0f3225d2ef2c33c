"""What a supervisor looks after: one job in its sandbox, whatever the engine is."""

from __future__ import annotations

import re
import signal
import socket
from typing import Any, Callable, List, Optional, Protocol, Sequence, Tuple

from . import processes, sandbox
from .output import Output

End = Tuple[str, int]  # ("exit", code) or ("signal", number)
Source = Tuple[Any, Callable[[], object]]  # what can be read, and what reads it (False: it has said all)
ENDED = re.compile(rb"(exit|signal) (\d{1,3})\Z")


class Contained(Protocol):
    """`began`: whether the job's own command was started. `end`: how that ended by itself, None where it did not."""

    began: bool
    end: Optional[End]
    limits_memory: bool  # the engine does; else the supervisor watches

    def start(self, output: Output, began: Callable[[], None]) -> None:
        """Calls `began` once, then or from a source. Raises Fault, OSError."""

    def forgo(self) -> bool:
        """True where the job has not begun, and from now on cannot: whatever an earlier supervisor asked for."""

    def sources(self) -> List[Source]: ...

    def running(self) -> bool: ...

    def outermost(self) -> List[int]:
        """Its processes on the VM that the others descend from."""

    def terminate(self) -> None:
        """SIGTERM for all of it."""

    def kill(self) -> None:
        """SIGKILL for all of it, and waits for the end."""

    def close(self) -> None:
        """Nothing runs any more: hears its last words. Raises Fault where it could not be started."""

    def failure(self) -> str:
        """Why it ended where `end` does not say it, or ""."""

    def discard(self) -> None:
        """The run's last state is written: what the engine keeps of it may go."""


class Bwrap:
    """A job below bubblewrap: it ends with its supervisor. Its first process tells by a socket how it ends."""

    limits_memory = False

    def __init__(
        self, policy: sandbox.Policy, binds: Sequence[sandbox.Bind], env: Any, cwd: str, argv: Sequence[str]
    ) -> None:
        self._words = policy, binds, env, cwd, argv
        self._heard = b""
        self.began = False
        self.end: Optional[End] = None

    def start(self, output: Output, began: Callable[[], None]) -> None:
        self._tell = began
        self._control, theirs = socket.socketpair()
        self._control.setblocking(False)
        job = output.job
        self._process = sandbox.start(*self._words, stdin=theirs, stdout=job, stderr=job)
        theirs.close()

    def forgo(self) -> bool:
        return True

    def sources(self) -> List[Source]:
        return [(self._control, self.hear)]

    def running(self) -> bool:
        return self._process.poll() is None

    def outermost(self) -> List[int]:
        return [*processes.children(self._process.pid), self._process.pid]

    def hear(self) -> bool:
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
        if ended and self.end is None:
            self.end = ended.group(1).decode(), int(ended.group(2))
        elif word == b"started" and not self.began:
            self.began = True
            self._tell()

    def terminate(self) -> None:
        try:
            self._control.sendall(b"term\n")
        except OSError:
            pass

    def kill(self) -> None:
        sandbox.terminate(self._process)

    def close(self) -> None:
        self.hear()
        self._control.close()

    def failure(self) -> str:
        return "" if self.end else "the sandbox was ended from outside (%s)" % self._process.returncode

    def discard(self) -> None:
        pass


def signal_name(number: int) -> str:
    try:
        return "%d (%s)" % (number, signal.Signals(number).name)
    except ValueError:
        return str(number)
