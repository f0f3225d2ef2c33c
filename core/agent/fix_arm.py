"""What puts a fix back without us: at its time, and after a reboot.

With systemd a service that every boot starts, and a timer; without it a process of its own, and a file of cron, which
also looks once a minute. Transient units of systemd do not survive a reboot.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import List

from . import revert
from .faults import Fault

UNITS = "/etc/systemd/system"
WANTED = UNITS + "/multi-user.target.wants"
CRON = "/etc/cron.d"
CRONS = ("cron", "crond")
PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3")
LACKING = "nothing on this VM would put a fix back after a reboot: neither systemd nor cron runs"

SERVICE = """[Unit]
Description=Puts the SSH configuration back where nobody has kept trainshed's fix %(id)s
RequiresMountsFor=%(folder)s
Before=ssh.service sshd.service

[Service]
Type=oneshot
ExecStart=%(python)s -I %(folder)s/revert.py %(folder)s wait
KillMode=process
Restart=on-failure
RestartSec=2

[Install]
WantedBy=multi-user.target
"""
TIMER = """[Unit]
Description=The time of trainshed's fix %(id)s

[Timer]
OnActiveSec=%(seconds)d
AccuracySec=200ms
Unit=%(unit)s.service
"""
CRONTAB = """# trainshed's fix %(id)s: the SSH configuration is put back where nobody has kept it.
@reboot root %(python)s -I %(folder)s/revert.py %(folder)s due
* * * * * root %(python)s -I %(folder)s/revert.py %(folder)s due
"""


def by() -> str:
    """systemd, cron, or "" where nothing would survive a reboot."""
    if os.path.isdir(revert.RUNNING_SYSTEMD):
        return "systemd"
    return "cron" if os.path.isdir(CRON) and any(_is_cron(name) for name in os.listdir("/proc")) else ""


def _is_cron(pid: str) -> bool:
    """Root's, and not that of a container, which reads another /etc. busybox has one that does not read /etc/cron.d."""
    place = "/proc/" + pid
    try:
        with open(place + "/comm", encoding="utf-8", errors="replace") as file:
            if file.read().strip() not in CRONS or os.stat(place).st_uid != 0:
                return False
        ours = os.readlink(place + "/ns/pid") == os.readlink("/proc/self/ns/pid")
        return ours and "busybox" not in os.readlink(place + "/exe")
    except OSError:
        return False


def demand() -> str:
    """The same. Raises Fault where there is nothing."""
    way = by()
    if not way:
        raise Fault("fix", LACKING, "sudo apt-get install cron, and start it")
    return way


def files(identity: str, way: str) -> List[str]:
    """What is there while the fix is armed, in the order in which it goes."""
    if way == "systemd":
        name = _unit(identity)
        return ["%s/%s.service" % (WANTED, name), "%s/%s.timer" % (UNITS, name), "%s/%s.service" % (UNITS, name)]
    return ["%s/%s" % (CRON, _unit(identity))]


def unfinished(path: str) -> str:
    """Where a file is written before it is there: neither cron nor systemd reads a name that begins with a dot."""
    return os.path.join(os.path.dirname(path), ".%s.new" % os.path.basename(path))


def timer(identity: str, way: str) -> str:
    """The unit to stop, or ""."""
    return _unit(identity) + ".timer" if way == "systemd" else ""


def _unit(identity: str) -> str:
    return "trainshed-fix-" + identity


def arm(folder: str, identity: str, way: str, seconds: float) -> None:
    """From now on. Raises Fault, OSError; whoever asked then disarms."""
    python = _python()
    values = {"id": identity, "folder": folder, "python": python, "unit": _unit(identity), "seconds": int(seconds + 1)}
    program = [python, "-I", os.path.join(folder, "revert.py"), folder]
    if subprocess.run([*program, "due"], stdin=subprocess.DEVNULL, env=revert.PLAIN, check=False).returncode != 0:
        raise Fault("fix", "the program that puts a fix back does not start on this VM", "see %s" % folder)
    paths = files(identity, way)
    if way == "systemd":
        _with_systemd(paths, values)
    else:
        _write(paths[0], CRONTAB % values)
        _detached(program)


def _with_systemd(paths: List[str], values: "dict[str, object]") -> None:
    wanted, timed, service = paths
    _write(service, SERVICE % values)
    _write(timed, TIMER % values)
    os.makedirs(WANTED, 0o755, exist_ok=True)
    os.symlink(service, wanted)
    revert.sync(WANTED)
    name = os.path.basename(timed)
    for words in (("daemon-reload",), ("start", name), ("is-active", "--quiet", name)):
        if revert.run("systemctl", *words) != 0:
            raise Fault("fix", "systemctl %s failed" % " ".join(words))


def _detached(program: List[str]) -> None:
    """A process that outlives us and the session; it has said that it is there."""
    process = subprocess.Popen(
        [*program, "wait"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/",
        env=revert.PLAIN, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout as said:
        if said.readline() != b"armed\n":
            raise Fault("fix", "the process that would put the fix back has ended")


def _write(path: str, text: str) -> None:
    """Whole and for good, or not at all."""
    fresh = unfinished(path)
    try:
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fchmod(fd, 0o644)
            os.fsync(fd)
        os.rename(fresh, path)
    finally:
        revert.unlink(fresh)
    revert.sync(os.path.dirname(path))


def _python() -> str:
    """The system's own: root runs nothing that lies in an account's folder where there is another."""
    found = [path for path in PYTHONS if os.path.exists(path)]
    return found[0] if found else os.path.realpath(sys.executable)
