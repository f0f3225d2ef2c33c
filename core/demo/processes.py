"""The processes of the embedded site: recorded before they run, ended by pid and start time, never by name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..agent import processes as known

TERM_S = 5.0  # between a polite end and SIGKILL
# Waits until we have written the pid down, then becomes the program; ends by itself if we die before that.
HELD = 'read -r go && [ "$go" = go ] && exec "$@" </dev/null'


def write_private(path: Path, text: str) -> None:
    """All of it or nothing, readable by its owner alone."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).replace(path)


class Processes:
    """What was started, in `FOLDER/processes.json`: {"boot_id", "owner", "processes": [{"name", "pid", "start"}]}.

    `owner` is [pid, start time] of the program whose end is to end the site; null after `demo up`.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "processes.json"
        self.logs = folder
        self.vm = folder / "vm"
        self.items: list[dict[str, Any]] = []
        self.owner: list[int] | None = None
        self._read()

    def _read(self) -> None:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if found["boot_id"] == known.boot_id():
            self.items, self.owner = found["processes"], found["owner"]

    def _write(self) -> None:
        record = {"boot_id": known.boot_id(), "owner": self.owner, "processes": self.items}
        write_private(self.path, json.dumps(record, indent=1))

    def own(self, pid: int | None) -> None:
        """Makes `pid` the owner; None: the site stays until it is stopped."""
        self.owner = None if pid is None else known.identity(pid)
        self._write()

    @property
    def owned_by_another(self) -> int | None:
        """The pid of another running program that owns the site, if there is one."""
        if self.owner is None or self.owner[0] == os.getpid() or not known.alive(*self.owner):
            return None
        return self.owner[0]

    @property
    def running(self) -> bool:
        """Everything that was started still runs."""
        return bool(self.items) and all(known.alive(item["pid"], item["start"]) for item in self.items)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Starts it in a session and the folder of its own, its output in `NAME.log`."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", HELD, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=dict(environment),
                cwd=self.logs,
                start_new_session=True,
            )
        pid, start = known.identity(process.pid)
        self.items.append({"name": name, "pid": pid, "start": start})
        self._write()
        assert process.stdin is not None
        try:
            process.stdin.write(b"go\n")
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended; the caller's wait for it says so
        return process

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        """Ends a process whose start did not work out, and takes it off the record."""
        kept = [item for item in self.items if item["pid"] != process.pid]
        _end([known.identity(process.pid)])
        process.wait()
        self.items = kept
        self._write()

    def stop(self) -> None:
        """Ends the VM's runs and services, then what was started, the last first; takes the record away."""
        for item in reversed(self.items):
            below = [known.identity(pid) for pid in known.tree(item["pid"])] if _alive(item) else []
            _end([[item["pid"], item["start"]]])
            _end(below)
        _end(list(_of_the_vm(self.vm)))
        _reap(self.items)
        self.items, self.owner = [], None
        self.path.unlink(missing_ok=True)


def _alive(item: Mapping[str, Any]) -> bool:
    return known.alive(item["pid"], item["start"])


def _end(identities: list[list[int]]) -> None:
    """SIGTERM, and SIGKILL for what is still there after TERM_S, each with all below it."""
    identities = [one for one in identities if known.alive(*one)]
    below = [known.identity(pid) for one in identities for pid in known.tree(one[0])]
    for one in identities:
        known.send(one[0], one[1], signal.SIGTERM)
    deadline = time.monotonic() + TERM_S
    while any(known.alive(*one) for one in identities) and time.monotonic() < deadline:
        time.sleep(0.02)
    known.end(identities + below)
    while any(known.alive(*one) for one in identities + below):
        time.sleep(0.02)


def _reap(items: Sequence[Mapping[str, Any]]) -> None:
    """Collects those that are children of ours."""
    for item in items:
        try:
            os.waitpid(item["pid"], os.WNOHANG)
        except ChildProcessError:
            pass


def _of_the_vm(root: Path) -> Iterator[list[int]]:
    """[pid, start time] of every process that the agent recorded for a run or a service on this boot."""
    boot = known.boot_id()
    for pattern in ("runs/*/*.json*", "services/*/instances/*/*.json*"):
        for path in root.glob(pattern):
            for record in _records(path):
                if record.get("boot_id", boot) == boot:
                    yield from _identities(record)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for piece in text.splitlines() if path.suffix == ".jsonl" else [text]:
        try:
            record = json.loads(piece)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def _identities(record: Mapping[str, Any]) -> Iterator[list[int]]:
    pid, start = record.get("pid"), record.get("start")
    if isinstance(pid, int) and isinstance(start, int) and start:
        yield [pid, start]
    recorded = record.get("sandbox")
    for one in recorded if isinstance(recorded, list) else []:
        if isinstance(one, list) and len(one) == 2 and all(isinstance(number, int) for number in one):
            yield [one[0], one[1]]
