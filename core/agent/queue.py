"""Who runs now: the VM's slots and GPUs, first come, first served.

A run that has not ended has a file in ROOT/queue, named TICKET-ULID and locked by its supervisor for as long as that
lives. There is no process that decides: each supervisor reads all of them, under one lock, and all come to the same
answer. A run waits until those before it leave room for it and for every other that came earlier.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Set

from . import runfolder
from .states import TERMINAL

FOLDER = "queue"
NAME = re.compile(r"(\d{12})-([0-9A-Z]{26})\Z")
DEVICE = re.compile(r"nvidia(\d+)\Z")


class Entry(NamedTuple):
    ticket: int
    run: str
    slots: int  # as the site of that run has it; 0: no limit
    gpus: int  # how many it wants
    assigned: List[int]
    running: bool


def gpus(devices: str = "/dev") -> List[int]:
    """The numbers of the VM's GPUs."""
    found = (DEVICE.match(name) for name in os.listdir(devices))
    return sorted(int(match.group(1)) for match in found if match)


class Place:
    """A run's place in the queue: `start` asks for its turn, `leave` gives it up."""

    def __init__(self, root: str, run: str, slots: int, wanted: int, machine: Optional[List[int]] = None) -> None:
        self._root = root
        self._folder = os.path.join(root, FOLDER)
        self._machine = gpus() if machine is None else machine
        os.makedirs(self._folder, exist_ok=True)
        with _Locked(self._folder):
            entries = _entries(self._folder)
            last = max((entry.ticket for entry in entries), default=0)
            mine = [entry for entry in entries if entry.run == run]  # an earlier supervisor's
            self._entry = mine[0] if mine else Entry(last + 1, run, slots, wanted, [], False)
            self._path = os.path.join(self._folder, "%012d-%s" % (self._entry.ticket, run))
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            self._write()

    def start(self) -> bool:
        """True when it is this run's turn, from then on. `assigned` are its GPUs."""
        if self._entry.running:
            return True
        with _Locked(self._folder):
            entries = _living(self._root)
            assigned = turn(entries, self._entry, self._machine)
            if assigned is None:
                return False
            self._entry = self._entry._replace(running=True, assigned=assigned)
            self._write()
            return True

    @property
    def assigned(self) -> List[int]:
        return self._entry.assigned

    def leave(self) -> None:
        if self._fd >= 0:
            os.unlink(self._path)
            os.close(self._fd)
            self._fd = -1

    def _write(self) -> None:
        """Whole or not at all: a supervisor may die in the middle."""
        text = json.dumps(self._entry._asdict()).encode()
        os.pwrite(self._fd, text.ljust(256), 0)


def turn(entries: List[Entry], mine: Entry, machine: List[int]) -> Optional[List[int]]:
    """The GPUs that `mine` may have now; None where it has to wait."""
    free = set(machine)
    running = 0
    for entry in entries:
        if entry.running:
            free -= set(entry.assigned)
            running += 1
    for entry in sorted(entries):
        if entry.running:
            continue
        if (entry.slots and running >= entry.slots) or entry.gpus > len(free):
            return None
        chosen = sorted(free)[: entry.gpus]
        if entry.run == mine.run:
            return chosen
        free -= set(chosen)
        running += 1
    return None


def ahead(root: str, run: str) -> Optional[int]:
    """How many runs that have not ended came before it; None where it does not wait."""
    entries = sorted(_entries(os.path.join(root, FOLDER)))
    mine = next((entry for entry in entries if entry.run == run), None)
    if mine is None or mine.running:
        return None
    return sum(1 for entry in entries if entry.ticket < mine.ticket)


class _Locked:
    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, "lock")

    def __enter__(self) -> None:
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def __exit__(self, *_: Any) -> None:
        os.close(self._fd)


def _entries(folder: str) -> List[Entry]:
    found = []
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        match = NAME.match(name)
        if match:
            found.append(_read(os.path.join(folder, name), int(match.group(1)), match.group(2)))
    return found


def _read(path: str, ticket: int, run: str) -> Entry:
    try:
        with open(path, encoding="utf-8") as file:
            given: Dict[str, Any] = json.load(file)
        return Entry(ticket, run, given["slots"], given["gpus"], given["assigned"], given["running"])
    except (OSError, ValueError, KeyError):
        return Entry(ticket, run, 0, 0, [], False)  # on its way in or out


def _living(root: str) -> List[Entry]:
    """Without those of runs that have ended: nobody holds their files, which are removed."""
    folder = os.path.join(root, FOLDER)
    return [entry for entry in _entries(folder) if not _over(root, folder, entry)]


def _over(root: str, folder: str, entry: Entry) -> bool:
    path = os.path.join(folder, "%012d-%s" % (entry.ticket, entry.run))
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        run = os.path.join(runfolder.runs_folder(root), entry.run)
        if os.path.isdir(run) and runfolder.settled(run)["state"] not in TERMINAL:
            return False
        os.unlink(path)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(fd)


def devices(numbers: List[int], folder: str = "/dev") -> List[str]:
    """The device files that a run with these GPUs sees."""
    if not numbers:
        return []
    wanted: Set[str] = {"nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset"}
    wanted |= {"nvidia%d" % number for number in numbers}
    return [os.path.join(folder, name) for name in sorted(wanted) if os.path.exists(os.path.join(folder, name))]
