"""What is where in the folder of a run, and the truth about a run that nobody supervises any more."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from typing import Any, cast

from . import processes
from .faults import Fault
from .states import TERMINAL, States

ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}\Z")  # 26 characters of Crockford's base 32
LOCK = "supervisor.lock"  # held for as long as somebody supervises
CANCEL = "cancel"  # made by whoever wants the run to end
PASSED = "passed.log"
RAW = "raw.log"
TAKEN_UP = "taken-up"  # when another supervisor was started, in seconds since the boot
MOST, WITHIN_S = 30, 60.0  # supervisors, one after the other


def runs_folder(root: str) -> str:
    return os.path.join(root, "runs")


def find(root: str, run: str) -> str:
    """The run's folder. Raises Fault where there is none."""
    folder = os.path.join(runs_folder(root), check_ulid(run))
    if not os.path.exists(os.path.join(folder, "job.json")):
        raise Fault("run-unknown", "there is no run %s on this VM" % run, "`trainshed runs` lists them")
    return folder


def check_ulid(run: str) -> str:
    if not isinstance(run, str) or not ULID.match(run):
        raise Fault("run", "not a run's id: %r" % run, "a run's id is a ULID: 26 letters and digits")
    return run


def own(folder: str, owner: str, force: bool, what: str) -> None:
    """Raises Fault where the run is another's. It prevents mistakes, not malice: the client says who it is."""
    whose = str(read_json(folder, "job.json").get("owner") or "")
    if owner and whose and owner != whose and not force:
        hint = "--force to %s it all the same" % what
        raise Fault("run", "run %s is %s's, and you are %s" % (os.path.basename(folder), whose, owner), hint)


def read_json(folder: str, name: str) -> dict[str, Any]:
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return cast("dict[str, Any]", json.load(file))


def take(folder: str, wait: bool = False) -> int | None:
    """The run's lock, as a descriptor; None where somebody supervises the run."""
    fd = os.open(os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def settled(folder: str, states: States | None = None) -> dict[str, Any]:
    """The run's last state, after a run that nobody supervises any more was written down as lost, or taken up again."""
    states = states or States(folder)
    last = states.last()
    if last["state"] in TERMINAL:
        return last
    lock = take(folder)
    if lock is None:
        return last
    try:
        last = states.last()
        if last["state"] in TERMINAL:
            return last
        if _goes_on(folder, states, last) and not _in_vain(folder):
            _take_up(folder, lock)
            lock = -1
            return last
        _end_orphans(states)
        states.append([last["state"]], *_ending(folder, states, last))
        _end_container(folder, states, last)
        return states.last()
    finally:
        if lock >= 0:
            os.close(lock)


def _goes_on(folder: str, states: States, last: dict[str, Any]) -> bool:
    """Whether another supervisor can go on with it: nothing has begun yet, or a container outlives whoever watched."""
    if not states.same_boot(last):
        return False
    return last["state"] == "created" or read_json(folder, "policy.json").get("engine") == "docker"


def _in_vain(folder: str) -> bool:
    """Whether supervisors end as fast as they are started: then another one would, too."""
    now = time.monotonic()
    try:
        with open(os.path.join(folder, TAKEN_UP), "a+", encoding="ascii") as file:
            file.seek(0)
            before = [float(line) for line in file.read().split()]
            file.write("%.3f\n" % now)
    except (OSError, ValueError):
        return False  # the disk is or was full
    return sum(now - then < WITHIN_S for then in before) >= MOST


def _take_up(folder: str, lock: int) -> None:
    from . import spawn

    spawn.supervisor(os.path.dirname(os.path.dirname(folder)), os.path.basename(folder), folder, lock)


def _ending(folder: str, states: States, last: dict[str, Any]) -> tuple[str, str]:
    """(state, reason) of a run whose supervisor has gone without a word."""
    if states.same_boot(last) and os.path.exists(os.path.join(folder, CANCEL)):
        return "cancelled", "cancelled; its supervisor was ended as well"
    return "lost", _why(states, last)


def _why(states: States, last: dict[str, Any]) -> str:
    if not states.same_boot(last):
        return "the VM was restarted while the run was %s" % last["state"]
    return "its supervisor ended unexpectedly while the run was %s" % last["state"]


def _end_container(folder: str, states: States, last: dict[str, Any]) -> None:
    """Of a run that supervisors took up in vain. What a reboot left does not run, and goes with a later one."""
    begun = last["state"] != "created" and states.same_boot(last)
    if begun and read_json(folder, "policy.json").get("engine") == "docker":
        from . import container, docker_api

        container.discard(docker_api.Docker(), os.path.dirname(os.path.dirname(folder)), os.path.basename(folder))


def _end_orphans(states: States) -> None:
    """What the run's sandbox left, if it is of this boot: pids of another boot say nothing."""
    for line in states.read():
        if states.same_boot(line):
            processes.end(line.get("sandbox", []))
