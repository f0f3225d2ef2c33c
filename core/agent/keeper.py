"""`python3 -m agent serve-model ROOT NAME/INSTANCE`: keeps one served model, from its start to its end.

It survives the client and the agent's connection. ROOT/services/NAME/instances/INSTANCE/ holds instance.json
(what to serve), state.json (written by the keeper alone), server.log and socket/ (the sandbox's own to write).
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import time
from typing import Any, Dict, List

from . import environment_files, processes, sandbox
from .faults import Fault

STATE = "state.json"
INSTANCE = "instance.json"
LOG = "server.log"
LOG_LIMIT = 1 << 20  # bytes; then the log begins anew and the last one is kept beside it
SOCKET_FOLDER = "/run/model"  # in the sandbox
SOCKET = "s"
PACKAGE = "/package"
GRACE = 5.0  # seconds from SIGTERM to SIGKILL
WATCH = 1.0  # seconds between two looks at the memory


def read(path: str) -> Dict[str, Any]:
    """A JSON object of ours, or {} where there is none yet."""
    try:
        with open(path, encoding="utf-8") as file:
            found: Dict[str, Any] = json.load(file)
            return found
    except (OSError, ValueError):
        return {}


def write(path: str, content: Dict[str, Any]) -> None:
    """All of it or nothing."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".new", path)


def log(path: str, chunk: bytes) -> None:
    """Appends what the server printed; the log is kept small."""
    if os.path.exists(path) and os.path.getsize(path) + len(chunk) > LOG_LIMIT:
        os.replace(path, path + ".1")
    with open(path, "ab") as file:
        file.write(chunk)


class Keeper:
    def __init__(self, root: str, folder: str) -> None:
        self.root = root
        self.folder = folder
        self.instance = read(os.path.join(folder, INSTANCE))
        self._log = os.path.join(folder, LOG)
        self._stopping = False
        self._reason = ""
        self._said = b""
        self._wakeup, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _write(self, state: str, reason: str = "", **more: Any) -> None:
        pid, start = processes.identity(os.getpid())
        line = {"state": state, "reason": reason, "pid": pid, "start": start, "boot_id": processes.boot_id()}
        write(os.path.join(self.folder, STATE), dict(line, time=time.time(), **more))

    def run(self) -> None:
        try:
            self._write("starting")
            self._serve()
            if self._stopping:
                self._write("stopped")
            else:
                self._write("failed", self._reason or "the model server ended by itself: %s" % self._ending())
        except (Fault, OSError) as error:
            self._write("failed", str(error))

    def _serve(self) -> None:
        self._control, theirs = socket.socketpair()
        pipe, sink = os.pipe()
        with theirs, open(sink, "wb") as output:
            process = sandbox.start(
                self.instance["policy"],
                self._binds(),
                self._variables(),
                PACKAGE,
                self._words(),
                stdin=theirs,
                stdout=output,
                stderr=output,
            )
        try:
            self._pid = process.pid
            self._write("starting", sandbox=[processes.identity(process.pid)])
            self._attend(process, pipe)
        finally:
            sandbox.terminate(process)
            self._control.close()
            os.close(pipe)

    def _binds(self) -> List[sandbox.Bind]:
        package = self.instance["package"]
        sandbox.share(package)
        binds: List[sandbox.Bind] = [
            (package, PACKAGE, "ro"),
            (sandbox.give(os.path.join(self.folder, "socket")), SOCKET_FOLDER, "rw"),
        ]
        if self.instance["environment"]:
            binds += environment_files.binds(self.root, self.instance["environment"])
        return binds

    def _variables(self) -> Dict[str, str]:
        env = {"PYTHONUNBUFFERED": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        if self.instance["environment"]:
            env["PATH"] = "%s/bin:%s" % (sandbox.ENV, sandbox.PATH)
        return env

    def _words(self) -> List[str]:
        python = sandbox.ENV + "/bin/python" if self.instance["environment"] else "python3"
        return [python, PACKAGE + "/server.py", PACKAGE + "/model", SOCKET_FOLDER + "/" + SOCKET]

    def _attend(self, process: "subprocess.Popen[bytes]", pipe: int) -> None:
        """Until the sandbox has ended, or the grace that a stop gives it is over."""
        sources: List[Any] = [pipe, self._control, self._wakeup]
        deadline = looked = 0.0
        while process.poll() is None:
            if self._stopping and not deadline:
                deadline = time.monotonic() + GRACE
                self._control.sendall(b"term\n")
            if deadline and time.monotonic() > deadline:
                return
            ready = select.select(sources, [], [], 0.2 if deadline else WATCH)[0]
            for source in ready:
                if not self._move(source, pipe):
                    sources.remove(source)
            if time.monotonic() - looked > WATCH:
                looked = time.monotonic()
                self._watch(process)
        while select.select([pipe], [], [], 0)[0] and self._move(pipe, pipe):
            pass

    def _move(self, source: Any, pipe: int) -> bool:
        """False when nothing more comes from there."""
        if source is self._control:
            chunk = self._control.recv(4096)
            if not self._said:
                self._note_sandbox()
            self._said = (self._said + chunk)[-4096:]
        else:
            chunk = os.read(source, 64 * 1024)
            if source == pipe:
                log(self._log, chunk)
        return bool(chunk)

    def _note_sandbox(self) -> None:
        """Its first process too, so that whoever finds us dead can end it."""
        pids = [*processes.children(self._pid), self._pid]
        self._write("running", sandbox=[processes.identity(pid) for pid in pids])

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        limit = self.instance["policy"].get("memory_bytes")
        used = processes.memory_bytes(processes.tree(process.pid)) if limit else 0
        if limit and used > limit:
            self._reason = "out of memory: %d MiB used, %d MiB allowed" % (used >> 20, limit >> 20)
            sandbox.terminate(process)

    def _ending(self) -> str:
        words = self._said.decode(errors="replace").splitlines()
        return words[-1] if words else "the sandbox did not start"


def main(root: str, name: str) -> None:
    service, _, instance = name.partition("/")
    Keeper(root, os.path.join(root, "services", service, "instances", instance)).run()
