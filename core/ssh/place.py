"""The agent on the VM: found, put in place and started by a few lines of shell, without SFTP.

It lies in ROOT/agent/HASH/agent/ with the interpreter that was found beside it, so that a
connection with the agent in place costs one command.
"""

from __future__ import annotations

import io
import json
import shlex
import tarfile
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from .. import threads
from ..agent import serve, wire
from ..errors import AgentError, LinkLost

SOURCE = Path(serve.__file__).parent
OLDEST = (3, 8)
STATUS_S = 2.0  # for the exit status, after the end of all output
NOISE_LIMIT = 64 * 1024  # bytes that a login shell may print before the agent speaks
START_TIMEOUT_S = 30.0
ABSENT = b"TRAINSHED-ABSENT"
NO_PYTHON = b"TRAINSHED-NO-PYTHON"
PLACED = b"TRAINSHED-PLACED"
PYTHONS = ("python3", *(f"python3.{minor}" for minor in range(15, 7, -1)), "python", "/usr/libexec/platform-python")
WHOLE = (
    "import glob, marshal; [marshal.loads(open(name, 'rb').read()[16:]) for name in glob.glob('agent/__pycache__/*')]"
)
# What of a program's complaint is passed on; anything else could hold a record.
REASONS = ("No space left on device", "Permission denied", "Read-only file system", "Disk quota exceeded", "not found")


class Channel(Protocol):
    """What is used of a command's channel."""

    def recv(self, nbytes: int) -> bytes: ...
    def recv_stderr(self, nbytes: int) -> bytes: ...
    def sendall(self, s: bytes) -> None: ...
    def shutdown_write(self) -> None: ...
    def settimeout(self, timeout: float | None) -> None: ...
    def recv_exit_status(self) -> int: ...
    def exit_status_ready(self) -> bool: ...
    def close(self) -> None: ...


class Session(Protocol):
    @property
    def alive(self) -> bool: ...
    def run(self, command: str) -> Channel: ...


@lru_cache(maxsize=1)
def source_hash() -> str:
    return serve.source_hash(str(SOURCE))


@lru_cache(maxsize=1)
def source_tar() -> bytes:
    """The agent's modules as one tar, the same bytes every time."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(SOURCE.glob("*.py")):
            data = path.read_bytes()
            member = tarfile.TarInfo(f"agent/{path.name}")
            member.size, member.mode, member.mtime = len(data), 0o600, 946684800
            tar.addfile(member, io.BytesIO(data))
    return held.getvalue()


def quoted_root(root: str) -> str:
    """ROOT for a POSIX shell; `~` is the account's home, and so is what a relative path starts from."""
    if root == "~":
        return '"$HOME"'
    if root.startswith("/"):
        return shlex.quote(root)
    return '"$HOME"/' + shlex.quote(root.removeprefix("~/"))


def _shell(script: str) -> str:
    """For any login shell, fish and csh included: one line, one pair of quotes."""
    return "exec /bin/sh -c " + shlex.quote(script)


def start_command(root: str) -> str:
    return _shell(
        f'umask 077; R={quoted_root(root)}; D="$R/agent/{source_hash()}"; '
        'if [ -f "$D/python" ] && read -r P < "$D/python" && [ -x "$P" ] && [ -f "$D/agent/__main__.py" ] && cd "$D"; '
        'then exec "$P" -sSEB -m agent serve "$R"; fi; '
        f"echo {ABSENT.decode()}"
    )


def place_command(root: str) -> str:
    """Reads the tar from standard input into a new folder, then moves it where it belongs.

    A folder that is there already is corrected file by file: a run's supervisor may be at work in it.
    Its byte code is written here and read before it counts, and by nobody later (-B): Python takes what a full disk
    has cut short for whole, and then an agent would never start again.
    """
    probe = f"import os, sys; sys.version_info >= {OLDEST} or sys.exit(1); print(os.path.realpath(sys.executable))"
    return _shell(
        f'umask 077; R={quoted_root(root)}; D="$R/agent/{source_hash()}"; '
        'mkdir -p "$R/agent" && T=$(mktemp -d "$R/agent/.new.XXXXXX") && cd "$T" || exit 1; '
        "trap 'cd / && rm -rf \"$T\"' EXIT; "
        # a tar that is cut between two members is whole to tar: its client may be gone
        f"tar -xf - && [ -f agent/{max(path.name for path in SOURCE.glob('*.py'))} ] || exit 1; P=; "
        f"for N in {' '.join(PYTHONS)}; do "
        f'P=$("$N" -sSE -c {shlex.quote(probe)} 2>/dev/null) && [ -n "$P" ] && break; P=; done; '
        f'if [ -z "$P" ]; then echo {NO_PYTHON.decode()} $(python3 -V 2>&1); exit 0; fi; '
        'printf "%s\\n" "$P" > python || exit 1; '
        '"$P" -sSE -m compileall -q -d "$D/agent" agent >/dev/null 2>&1; '
        f'"$P" -sSEB -c {shlex.quote(WHOLE)} 2>/dev/null || rm -rf agent/__pycache__; '
        # for the sandboxes' user; a file that replaces a shared one has to be as readable as that
        "chmod -R a+rX agent || exit 1; "
        'if [ -d "$D/agent" ]; then rm -rf "$D/agent/__pycache__"; '
        'for F in "$D"/agent/*; do [ -e "agent/${F##*/}" ] || rm -rf "$F"; done; '
        'mv -f agent/* "$D/agent/" && mv -f python "$D/" || exit 1; '
        "else mkdir new && mv agent python new/ || exit 1; "
        # another client may have been first, and its agent be running: that folder stays
        'mv -T new "$D" 2>/dev/null || [ -d "$D/agent" ] || { rm -rf "$D" && mv -T new "$D"; } || exit 1; fi; '
        f"echo {PLACED.decode()}"
    )


class Started:
    """An agent that has said hello; its frames come next."""

    def __init__(self, channel: Channel, reader: wire.Reader, hello: dict[str, Any]) -> None:
        self.channel = channel
        self.reader = reader
        self.hello = hello
        self.placed = False


def start(session: Session, root: str) -> Started:
    """The agent of this version, put in place where it is missing or not what we sent. Blocks.

    Raises AgentError, LinkLost, ConnectError.
    """
    started = _start(session, root)
    if started is not None:
        return started
    _place(session, root)
    started = _start(session, root)
    if started is None:
        raise AgentError("the agent was put on the VM and is not what was sent", hint=f"look at {root}/agent on the VM")
    started.placed = True
    return started


def _start(session: Session, root: str) -> Started | None:
    """None: it is not there, does not start, or is another than ours."""
    channel = session.run(start_command(root))
    complaint = _Complaint(session, channel)
    reader = wire.Reader(channel.recv)
    line = _first(reader, channel, complaint, (wire.MAGIC, ABSENT))
    if line.startswith(wire.MAGIC):
        try:
            hello = json.loads(line[len(wire.MAGIC) :])
        except ValueError:
            hello = {}
        if isinstance(hello, dict) and hello.get("agent") == source_hash() and hello.get("protocol") == wire.PROTOCOL:
            channel.settimeout(None)
            return Started(channel, reader, hello)
    channel.close()
    return None


def _place(session: Session, root: str) -> None:
    channel = session.run(place_command(root))
    complaint = _Complaint(session, channel)
    try:
        channel.settimeout(START_TIMEOUT_S)
        channel.sendall(source_tar())
        channel.shutdown_write()
    except OSError:
        pass  # the shell gave up: its answer says more
    line = _first(wire.Reader(channel.recv), channel, complaint, (PLACED, NO_PYTHON))
    channel.close()
    if line.startswith(NO_PYTHON):
        found = line[len(NO_PYTHON) :].decode(errors="replace").strip()
        version = found if found.startswith("Python ") and len(found) < 20 else "none"
        raise AgentError(
            f"no Python {OLDEST[0]}.{OLDEST[1]} or newer on the VM (found: {version})",
            hint="sudo apt-get install python3",
        )


def _first(reader: wire.Reader, channel: Channel, complaint: _Complaint, wanted: tuple[bytes, ...]) -> bytes:
    """The first line that holds one of `wanted`, from there on; before it comes the noise of the login shell."""
    channel.settimeout(START_TIMEOUT_S)
    noise = 0
    try:
        while noise <= NOISE_LIMIT:
            line = reader.line(NOISE_LIMIT)
            for word in wanted:
                if word in line:
                    return line[line.index(word) :]
            noise += len(line) + 1
    except TimeoutError:
        raise AgentError(f"the agent does not start within {START_TIMEOUT_S:g} s", hint="is the VM busy?") from None
    except (EOFError, OSError):
        raise complaint.error() from None
    except wire.WireError:
        pass
    raise AgentError(
        "the account's shell prints without end before the agent can speak",
        hint="keep ~/.bashrc and its kin silent where there is no terminal",
    )


class _Complaint:
    """Standard error, drained so that nothing blocks, kept short, and never shown as it is."""

    def __init__(self, session: Session, channel: Channel) -> None:
        self._session = session
        self._channel = channel
        self._tail = b""
        self._thread = threads.spawn(self._drain, "agent-stderr")

    def _drain(self) -> None:
        while True:
            try:
                more = self._channel.recv_stderr(4096)
            except TimeoutError:
                continue
            except OSError:
                return
            if not more:
                return
            self._tail = (self._tail + more)[-4096:]

    def _status(self) -> int | None:
        """How the command ended: that can come a little after the last of what it said. None where it does not."""
        end = time.monotonic() + STATUS_S
        while not self._channel.exit_status_ready():
            if time.monotonic() > end or not self._session.alive:
                return None
            time.sleep(0.02)
        return self._channel.recv_exit_status()

    def error(self) -> Exception:
        """Why the command ended without a word."""
        self._thread.join(5)
        if not self._session.alive:
            return LinkLost("the connection ended while the agent was started")
        status = self._status()
        if status in (None, -1):  # no exit status: a signal ended it, or the session with it
            return LinkLost("the agent was ended while it started", hint="try again")
        text = self._tail.decode(errors="replace")
        reason = next((word for word in REASONS if word in text), "")
        return AgentError(
            f"the agent cannot be started on the VM: {reason or f'exit status {status}'}",
            hint="the account needs a shell that runs commands, tar, and room in its folder",
        )
