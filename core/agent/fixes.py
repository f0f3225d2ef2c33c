"""Fixes of the SSH server and its files: planned, tried under a revert that needs nobody, then kept or put back.

Root does the work. The order is the point: what puts everything back is armed, and outlasts a power cut, before the
first byte is written.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import re
import stat
import time
from typing import Any, Callable, Dict, Iterator, List

from . import fix_arm, fix_others, fix_plan, fix_server, fix_undo, fix_write, revert, root, sshd
from .call import Call
from .faults import Fault
from .fix_plan import Plan

STATE = "/var/lib/trainshed/fixes"
LONGEST_S = 90.0
NAME = re.compile("[0-9A-Za-z-]{1,40}")  # cron reads no file whose name has a dot
Request = Dict[str, Any]


def plan(call: Call, password: str = "", **request: Any) -> Dict[str, Any]:
    """`planned`, as root."""
    return _as_root("planned", request, password)


def attempt(call: Call, password: str = "", **request: Any) -> Dict[str, Any]:
    """`tried`, as root."""
    return _as_root("tried", request, password)


def keep(call: Call, password: str = "", **request: Any) -> Dict[str, Any]:
    """`kept`, as root."""
    return _as_root("kept", request, password)


def put_back(call: Call, password: str = "", **request: Any) -> Dict[str, Any]:
    """`returned`, as root."""
    return _as_root("returned", request, password)


def _as_root(work: str, request: Request, password: str) -> Dict[str, Any]:
    """What `sudo` hides is told with the request: the session, its account, its connection."""
    user = pwd.getpwuid(os.getuid()).pw_name
    request = dict(request, pid=os.getpid(), user=user, connection=os.environ.get("SSH_CONNECTION", ""))
    try:
        return root.run(work, {"request": request}, password)
    except Fault as fault:
        if fault.title.startswith(("sudo refuses", "sudo ended")):
            raise Fault("root-needed", "only root may do that on the VM: %s" % fault.title, fault.hint) from None
        raise


def planned(request: Request) -> Dict[str, Any]:
    """What would be done: see fix_plan.Plan.shown. Nothing is changed. Raises Fault."""
    with _told():
        _forget_unbegun()
        plan = _plan(request)
        _demand_in_force(plan)
        others = fix_others.shut_out(plan.server, plan.settings if plan.writes else {})
        return dict(plan.shown(), revert_by=fix_arm.demand(), checks=_checks(plan, request), **others)


def _demand_in_force(plan: Plan) -> None:
    """What is there before is what a revert comes back to. Raises Fault where the server would not run with that."""
    broken = fix_server.test(plan.server)
    if broken:
        raise Fault("fix", "the server's configuration is broken already: %s" % broken, "mend it by hand first")
    unread = fix_server.unread(plan.server) if plan.reloads else ""
    if unread:
        hint = " ".join(plan.server.reload_command)
        raise Fault("fix", unread, "look at it, then reload the server yourself: sudo %s" % hint)


def _checks(plan: Plan, request: Request) -> List[str]:
    """What the fix is about; of one that is undone, what that was about."""
    undone = revert.read(os.path.join(STATE, plan.undoes))["checks"] if plan.undoes else []
    checks: List[str] = undone or request.get("checks", [])
    return checks


def _plan(request: Request) -> Plan:
    server = fix_server.find(request["pid"], request["user"], request["connection"])
    if request.get("undo"):
        return fix_undo.plan(server, STATE)
    return fix_plan.plan(server, request["settings"], request["modes"], request["files"], request["user"])


def tried(request: Request) -> Dict[str, Any]:
    """Does it. Unless `kept` is called for it within `seconds`, all is as it was. Raises Fault: then it is already.

    The answer: `id` ("" where nothing had to be changed), `steps` ({"title", "command"} each), `seconds` that are left.
    """
    with _told(), _alone():
        plan = _plan(request)
        if request["digest"] and request["digest"] != plan.digest:
            raise Fault("fix", "the VM has changed since the plan was made", "look at the plan again")
        if not plan.writes and not plan.modes:
            return {"id": "", "steps": [], "seconds": 0.0}
        return _try(plan, request)


def _try(plan: Plan, request: Request) -> Dict[str, Any]:
    seconds = min(float(request.get("seconds") or LONGEST_S), LONGEST_S)
    steps: List[Dict[str, str]] = []

    def reached(title: str, *command: str) -> None:
        steps.append({"title": title, "command": " ".join(command)})

    way = fix_arm.demand()
    _demand_in_force(plan)
    identity = request["id"]
    folder = os.path.join(STATE, identity)
    if not NAME.fullmatch(identity) or os.path.exists(folder):
        raise Fault("fix", "%r is no name for a new fix" % identity)
    manifest = _manifest(plan, request, identity, way, seconds)
    fix_write.backup(folder, manifest, plan.writes)
    there = [entry["path"] for entry in manifest["files"] if entry["before"] is not None]
    reached("What is there was copied", *(["cp", "-a", *there, folder] if there else []))
    try:
        fix_arm.arm(folder, identity, way, seconds)
        reached("The VM puts it back in %g s, and after a reboot, unless it is kept" % seconds, *_armed(manifest, way))
        with revert.alone(folder):
            _change(plan, manifest, folder, reached)
    except (Fault, OSError) as error:
        raise _put_back(folder, error) from None
    return {"id": identity, "steps": steps, "seconds": max(0.0, manifest["deadline"] - revert.now())}


def _armed(manifest: Dict[str, Any], way: str) -> List[str]:
    return ["systemctl", "start", manifest["timer"]] if way == "systemd" else ["tee", manifest["armed"][0]]


def _change(plan: Plan, manifest: Dict[str, Any], folder: str, said: Callable[..., None]) -> None:
    def reached(title: str, *command: str) -> None:
        said(title, *command)
        if not revert.pending(folder):
            raise Fault("fix", "it took so long that the time was over")

    for number, write in enumerate(plan.writes):
        fix_write.write(write, manifest["files"][number]["temporary"])
        reached("Written: %s" % write.path, *fix_plan.command(write))
    for number, mode in enumerate(plan.modes):
        fix_write.set_mode(mode, manifest["modes"][number])
        reached("Changed: %s" % mode.path, "chmod", "%o" % mode.after, mode.path)
    if not plan.reloads:
        return
    broken = fix_server.test(plan.server)
    if broken:
        raise Fault("fix", "the server does not take it: %s" % broken)
    reached("The server takes the configuration", *plan.server.command("t"))
    try:
        wrong = fix_plan.overruled(plan.server, plan.settings, plan.wanted)
    except sshd.Unreadable as reason:
        raise Fault("fix", "the configuration cannot be read any more: %s" % reason) from None
    if wrong:
        raise Fault("fix", "it has no effect: %s" % "; ".join(wrong.values()))
    reached("It holds for %s from here" % plan.server.match["user"], *plan.server.asked)
    fix_server.reload(plan.server)
    reached("The server has read it", *plan.server.reload_command)


def _put_back(folder: str, error: Exception) -> Fault:
    """The reason, once all is as it was."""
    reason = error.title if isinstance(error, Fault) else "%s: %s" % (_named(error), getattr(error, "strerror", error))
    try:
        revert.put_back(folder, again=True)
    except OSError as failed:
        return Fault("fix", reason, "not all could be put back at once (%s); the VM goes on trying" % failed)
    return Fault("fix", reason, "everything is as it was")


def _named(error: Exception) -> str:
    return str(getattr(error, "filename", None) or type(error).__name__)


def _manifest(plan: Plan, request: Request, identity: str, way: str, seconds: float) -> Dict[str, Any]:
    return {
        "id": identity,
        "made": max(time.time(), fix_undo.newest(STATE) + 0.001),  # so that --undo goes back, whatever the clock did
        "by": request.get("by", ""),
        "checks": request.get("checks", []),
        "settings": plan.settings,
        "undoes": plan.undoes,
        "boot": revert.boot(),
        "deadline": revert.now() + seconds,
        "files": [fix_write.entry(write, identity) for write in plan.writes],
        "modes": [fix_write.mode_entry(mode) for mode in plan.modes],
        "folders": [folder for write in plan.writes for folder in fix_write.new_folders(write.path)],
        "server": plan.server.record(),
        "reloads": plan.reloads,
        "armed": fix_arm.files(identity, way),
        "unfinished": [fix_arm.unfinished(path) for path in fix_arm.files(identity, way)],
        "timer": fix_arm.timer(identity, way),
    }


def kept(request: Request) -> Dict[str, Any]:
    """The login has been proved: `id` stays. Raises Fault where it was put back before."""
    with _told():
        folder = _folder(request["id"])
        if not revert.keep(folder):
            raise Fault("fix", "it was put back before it could be kept", "the time was over; try again")
        undone = revert.read(folder)["undoes"]
        if undone:
            fix_undo.mark(os.path.join(STATE, undone))
        return {}


def returned(request: Request) -> Dict[str, Any]:
    """All as it was, now, without waiting for the time; `kept` where it was too late for that."""
    with _told():
        folder = _folder(request["id"])
        return {"put_back": revert.put_back(folder), "kept": os.path.exists(os.path.join(folder, revert.KEPT))}


def _folder(identity: str) -> str:
    folder = os.path.join(STATE, identity)
    if "/" in identity or not os.path.isdir(folder):
        raise Fault("fix", "there is no fix %r on this VM" % identity)
    return folder


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One fix at a time: none is going on, and none waits for its decision."""
    os.makedirs(STATE, 0o700, exist_ok=True)
    with _locked() as free:
        if not free:
            raise Fault("fix", "another fix is being written on this VM", "try again in a moment")
        for name in sorted(os.listdir(STATE)):
            _settle(os.path.join(STATE, name))
        fix_undo.forget_old(STATE)
        yield


@contextlib.contextmanager
def _locked() -> Iterator[bool]:
    """Whether nobody else writes a fix meanwhile. Raises OSError."""
    fd = os.open(STATE, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except BlockingIOError:
        free = False
    try:
        yield free
    finally:
        os.close(fd)


def _forget_unbegun() -> None:
    """What was never begun with: by its traces the server would seem not to have read its files."""
    if not any(name.startswith(".") for name in (os.listdir(STATE) if os.path.isdir(STATE) else ())):
        return
    with _locked() as free:
        for name in os.listdir(STATE) if free else ():
            if name.startswith("."):
                fix_write.forget(os.path.join(STATE, name))


def _settle(folder: str) -> None:
    """A fix that waits is somebody's, unless its time is over. What was never begun is removed."""
    if os.path.basename(folder).startswith("."):
        fix_write.forget(folder)
        return
    if not revert.pending(folder):
        return
    manifest = revert.read(folder)
    begun = any(os.path.lexists(path) for path in manifest["armed"])  # nothing is written before it is armed
    if begun and not revert.due(manifest):
        left = manifest["deadline"] - revert.now()
        raise Fault(
            "fix",
            "another fix waits for its decision on this VM%s" % (" (%s)" % manifest["by"] if manifest["by"] else ""),
            "it is kept or put back within %d s; try again then" % (left + 1),
        )
    revert.put_back(folder)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """A file that cannot be read or written is an error in words, not a traceback."""
    try:
        _roots_alone()
        yield
    except OSError as error:
        raise Fault("fix", "%s: %s" % (_named(error), error.strerror or error), "nothing was changed") from None


def _roots_alone() -> None:
    """What lies in STATE is run by root, and written where it says. Raises Fault."""
    for path in (os.path.dirname(STATE), STATE):
        if not os.path.lexists(path):
            return
        status = os.lstat(path)
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0 or status.st_mode & 0o022:
            raise Fault(
                "fix",
                "%s is not root's alone, so others could change what root runs from it" % path,
                "make it a folder that root owns and nobody else writes to",
            )
