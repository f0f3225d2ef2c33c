"""The agent with seams for a power cut: it ends at a step on the disk, and says what it had put there for good."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

from .agent_process import place
from .front_faults import Faults
from .staging import Outcome, Shed, carried_out

# Appended to the copy. A step is a change of the disk below `data`; `control`: the step to end at, 0 is never.
SEAM = """
import json as _json, os as _os, sys as _sys, threading as _threading, time as _time

_CONTROL, _SYNCED = {control!r}, {synced!r}
_left = [int(open(_CONTROL).read())]
_turn = _threading.Lock()
_CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.chmod", "os.truncate", "open")


def _say(path):
    with open(_SYNCED, "a") as file:
        file.write(_json.dumps([path, _time.time_ns()]) + "\\n")


def _step(event, args):
    if event == "ctypes.dlsym" and args[1] == "syncfs":
        _say("")
    if event not in _CHANGES or "/data/" not in str(args[0]) + "/":
        return
    if event == "open" and not args[2] & (_os.O_WRONLY | _os.O_RDWR):
        return
    with _turn:
        _left[0] -= 1
        if _left[0] == 0:
            _os.kill(_os.getpid(), 9)


def _noting(function):
    def work(fd):
        _say(_os.readlink("/proc/self/fd/%d" % (fd if isinstance(fd, int) else fd.fileno())))
        return function(fd)
    return work


_os.fsync, _os.fdatasync = _noting(_os.fsync), _noting(_os.fdatasync)
_sys.addaudithook(_step)
"""
BOOT_ID = "/proc/sys/kernel/random/boot_id"


class Seamed:
    """`root`: of a VM of its own, whose boot id is a file of ours."""

    def __init__(self, root: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._root = root
        self._control, self._synced, self._boot = folder / "control", folder / "synced", folder / "boot_id"
        self.end_at(0)
        self._boots = 0
        self.reboot()
        source = place(root) / "agent"
        with (source / "__init__.py").open("a") as file:
            file.write(SEAM.format(control=str(self._control), synced=str(self._synced)))
        for path in source.glob("*.py"):
            text = path.read_text()
            if BOOT_ID in text:
                path.write_text(text.replace(BOOT_ID, str(self._boot)))
        shutil.rmtree(source / "__pycache__", ignore_errors=True)

    def end_at(self, step: int) -> None:
        """The next agent ends there."""
        self._control.write_text(str(step))
        self._synced.write_text("")

    def reboot(self) -> None:
        self._boots += 1
        self._boot.write_text(f"boot-{self._boots}\n")

    def lose_power(self, chance: random.Random) -> int:
        """What was not on the disk for good is lost, by chance; how many files. The boot id is another."""
        everything, each = 0, dict[str, int]()
        for line in self._synced.read_text().splitlines():
            path, at = json.loads(line)
            everything, each[path] = (at, each.get(path, 0)) if path == "" else (everything, at)
        lost = 0
        for folder, _, names in os.walk(self._root / "data"):
            for name in names:
                path = os.path.join(folder, name)
                if os.stat(path).st_mtime_ns > max(everything, each.get(path, 0)):
                    lost += _lose(path, chance)
        self.reboot()
        return lost


def _lose(path: str, chance: random.Random) -> int:
    """Nothing, all of it, its end, or a part in the middle."""
    size, how = os.stat(path).st_size, chance.randrange(4)
    if how == 1:
        os.unlink(path)
    elif how == 2:
        os.truncate(path, chance.randint(0, size))
    elif how == 3 and size:
        at = chance.randrange(size) // 4096 * 4096
        with open(path, "rb+") as file:
            file.seek(at)
            file.write(bytes(min(65536, size - at)))
    return int(how > 0)


def ended_at(shed: Shed, seamed: Seamed, step: int, chance: random.Random, *, power: bool) -> tuple[list[str], Outcome]:
    """The agent ends at this step of a staging, or with the whole VM: (what is wrong, how it ended)."""

    def mend() -> None:
        shed.end_agent()
        if power:
            seamed.lose_power(chance)
        seamed.end_at(0)

    shed.end_agent()
    seamed.end_at(step)
    return carried_out(shed, Faults(), ended=True, mend=mend)
