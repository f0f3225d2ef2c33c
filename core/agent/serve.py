"""One process on the VM for one connection: reads calls, runs each in a thread, answers."""

from __future__ import annotations

import errno
import hashlib
import importlib
import json
import os
import platform
import sys
import threading
import traceback
from typing import Any, Callable, cast

from . import gate, wire
from .call import Call, Cancelled
from .faults import Fault

# Operation -> module of this package; the function has the part after the dot (or the whole name).
OPERATIONS = {
    "facts": "facts",
    "checks.host": "checks",
    "fixes.plan": "fixes",
    "fixes.attempt": "fixes",
    "fixes.keep": "fixes",
    "fixes.put_back": "fixes",
    "data.check": "data",
    "data.stage": "data",
    "data.list": "data_store",
    "data.evict": "data_removal",
    "data.purge": "data_removal",
    "data.receipts": "data_removal",
    "environments.find": "environments",
    "environments.build": "environments",
    "environments.list": "environment_store",
    "environments.prune": "environment_store",
    "snapshots.have": "snapshots",
    "snapshots.put": "snapshots",
    "runs.create": "runs",
    "runs.follow": "runs",
    "runs.list": "runs",
    "runs.show": "runs",
    "runs.cancel": "runs",
    "runs.job": "runs",
    "runs.delete": "deletion",
    "code.files": "run_code",
    "code.read": "run_code",
    "runs.files": "download",
    "runs.differ": "download",
    "runs.download": "download",
    "tracking.lease": "forward",
    "tracking.commit": "forward",
    "tracking.read": "forward",
    "artifacts.read": "artifacts",
    "models.show": "models",
    "models.package": "models",
    "services.start": "services",
    "services.stop": "services",
    "services.list": "services",
    "services.invoke": "services",
}


def find(op: str) -> Callable[..., "dict[str, Any] | None"]:
    module = OPERATIONS.get(op)
    if module is None:
        raise Fault("agent", "the agent does not know the operation %r" % op, "connect again: its version differs")
    name = op.partition(".")[2] or op
    function = getattr(importlib.import_module("." + module, __package__), name)
    return cast("Callable[..., dict[str, Any] | None]", function)


def _named(args: dict[str, Any]) -> dict[str, Any]:
    """`args`, in which any text may name a file. Raises Fault for one that no system call takes."""
    left: list[Any] = [args]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left.extend(value.keys())
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
        elif isinstance(value, str) and "\0" in value:
            raise Fault("agent", "a NUL in %r" % value[:40], "no file, command or variable can have one")
    return args


def source_hash(folder: str | None = None) -> str:
    """sha256 over the agent's own source files, as the client computes it before the upload."""
    folder = folder or os.path.dirname(os.path.abspath(__file__))
    total = hashlib.sha256()
    for name in sorted(name for name in os.listdir(folder) if name.endswith(".py")):
        with open(os.path.join(folder, name), "rb") as file:
            total.update(("%s\0%s\0" % (name, hashlib.sha256(file.read()).hexdigest())).encode())
    return total.hexdigest()[:16]


def hello(root: str) -> dict[str, Any]:
    return {
        "protocol": wire.PROTOCOL,
        "agent": source_hash(),
        "python": platform.python_version(),
        "root": root,
        "pid": os.getpid(),
    }


class Server:
    """Calls of one client, until its input ends."""

    def __init__(self, root: str, read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
        self.root = root
        self._reader = wire.Reader(read)
        self._write = write
        self._lock = threading.Lock()
        self._calls: dict[int, Call] = {}

    def send(self, call: Call, payload: object) -> None:
        frame = wire.encode(call.number, gate.released(call.op, payload))
        with self._lock:
            self._write(frame)

    def run(self) -> None:
        hello_line = wire.MAGIC + json.dumps(gate.released("hello", hello(self.root))).encode() + b"\n"
        self._write(hello_line)
        try:
            while True:
                self._receive(*self._reader.frame())  # no name keeps a credential while the next one is waited for
        except (EOFError, OSError):
            pass
        finally:
            for call in list(self._calls.values()):
                call.cancel()

    def _receive(self, number: int, message: Any) -> None:
        known = self._calls.get(number)
        if known is not None:
            known.receive(message)
        elif isinstance(message, dict) and "op" in message:
            call = Call(number, message["op"], self.root, self.send)
            self._calls[number] = call
            threading.Thread(target=self._work, args=(call, message.get("args", {})), daemon=True).start()
        # anything else belongs to a call that has just ended

    def _work(self, call: Call, args: dict[str, Any]) -> None:
        try:
            result = find(call.op)(call, **_named(args))
            answer: dict[str, Any] = {"result": result or {}}
        except Cancelled:
            answer = {"error": {"code": "interrupted", "title": "cancelled", "hint": "", "facts": {}}}
        except Fault as fault:
            answer = {"error": {"code": fault.code, "title": fault.title, "hint": fault.hint, "facts": fault.facts}}
        except Exception as error:
            answer = {"error": self._unforeseen(call, error)}
        self._calls.pop(call.number, None)
        try:
            self.send(call, answer)
        except OSError:
            pass  # the client has gone

    def _unforeseen(self, call: Call, error: Exception) -> dict[str, Any]:
        """The traceback stays on the VM: it can hold a record."""
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return {"code": "agent", "title": "the disk of the VM is full", "hint": "make room there", "facts": {}}
        path = os.path.join(self.root, "agent.log")
        try:
            with open(path, "a", encoding="utf-8") as log:
                log.write("%s\n%s\n" % (call.op, traceback.format_exc()))
        except OSError:
            pass  # the client waits for an answer all the same
        title = "the agent failed in %s (%s)" % (call.op, type(error).__name__)
        return {"code": "agent", "title": title, "hint": "details are on the VM in %s" % path, "facts": {}}


def main(root: str) -> None:
    os.umask(0o077)
    os.makedirs(root, exist_ok=True)
    source, sink = os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "wb", 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # nothing that we start may read or write the link
    os.dup2(2, 1)

    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[sink.write(view) :]

    Server(root, source.read, write).run()
    sys.stdout.flush()
    os._exit(0)
