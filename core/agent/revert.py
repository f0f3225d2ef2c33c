"""Puts a server's configuration back, without trainshed: `python3 -I revert.py FOLDER wait|due|now`.

A copy of this file lies in the folder of every fix on the VM, beside `manifest.json` and the files as they were, and
something outside of trainshed starts it (core/agent/fix_arm.py). So it imports nothing of ours, looks at no clock that
can be set, and may be started twice, or be killed anywhere and started again.

The file `pending` in the folder says that nobody has decided yet. It is renamed to `kept` or to `reverted`: a decision
that needs no room on the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import json
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import time
from typing import Any, Dict, Iterator, List, Set

MANIFEST, PENDING, KEPT, REVERTED, TIME = "manifest.json", "pending", "kept", "reverted", "time"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
PLAIN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}  # nothing of the session's environment
ATTRIBUTES = ("security.selinux", "security.SMACK64", "system.posix_acl_access")
RUNNING_SYSTEMD = "/run/systemd/system"
LOOK_S = 0.2
RELOAD_S = 10.0
TRIES, AGAIN_S = 10, 3.0
STOPPED_S = 15.0
OURS_NS = 1_000_000_000  # what changes a folder so soon after our note of its time is we
BOOT_S = 30.0  # after a reboot the server may be started later than we are
Manifest = Dict[str, Any]


def now() -> float:
    """Seconds since the VM was started. Nobody can set it, and it counts while the VM sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot() -> str:
    """What tells one boot of the VM from another."""
    with open(BOOT_ID, encoding="ascii") as file:
        return file.read().strip()


def read(folder: str) -> Manifest:
    """Raises OSError, ValueError."""
    with open(os.path.join(folder, MANIFEST), encoding="utf-8") as file:
        manifest: Manifest = json.load(file)
    return manifest


def pending(folder: str) -> bool:
    """Nobody has decided yet."""
    return os.path.exists(os.path.join(folder, PENDING))


def due(manifest: Manifest) -> bool:
    """The time is over, or the VM was started anew."""
    return bool(manifest["boot"] != boot() or now() >= manifest["deadline"])


@contextlib.contextmanager
def alone(folder: str, patience: float = 3600.0) -> Iterator[None]:
    """One process at a time writes, keeps or puts back; after `patience` seconds whoever waits goes ahead."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    until = time.monotonic() + patience
    try:
        while not _locked(fd) and time.monotonic() < until:
            time.sleep(LOOK_S / 4)
        yield
    finally:
        os.close(fd)


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def keep(folder: str) -> bool:
    """What was written stays, and nothing fires any more. False: it was put back before."""
    with alone(folder):
        if pending(folder):
            os.rename(os.path.join(folder, PENDING), os.path.join(folder, KEPT))
            sync(folder)
        kept = os.path.exists(os.path.join(folder, KEPT))
        disarm(folder, read(folder))
        return kept


def put_back(folder: str, again: bool = False) -> bool:
    """Everything as it was, and a server that serves it. False: it is kept, or was put back before.

    Who writes is stopped, perhaps, so nobody waits for him for ever. `again`: it is he, and may have written since.
    """
    with alone(folder, STOPPED_S):
        manifest = read(folder)
        undecided = pending(folder) or again
        if undecided:
            failed = files_back(folder, manifest)
            server_back(manifest["server"], manifest["boot"] != boot(), manifest.get("reloads", True))
            if failed:
                raise failed[0]  # whoever started us does it again
            if pending(folder):
                os.rename(os.path.join(folder, PENDING), os.path.join(folder, REVERTED))
            sync(folder)
        disarm(folder, manifest)
        return undecided


def files_back(folder: str, manifest: Manifest) -> List[OSError]:
    """One that fails does not keep the others from being put back."""
    failed = []
    for number, entry in enumerate(manifest["files"]):
        try:
            file_back(os.path.join(folder, "before", str(number)), entry)
        except OSError as error:
            failed.append(error)
    for entry in manifest["modes"]:
        try:
            mode_back(entry)
        except OSError as error:
            failed.append(error)
    for path in reversed(manifest["folders"]):
        with contextlib.suppress(OSError):  # somebody has put something in it
            os.rmdir(path)
    return failed


def file_back(copy: str, entry: Dict[str, Any]) -> None:
    """`beside` is the very file that was there, under another name: to move it back needs no room on the disk."""
    path, beside, before = entry["path"], entry["beside"], entry["before"]
    unlink(entry["temporary"])
    if before is None:
        unlink(path)
        return
    if os.path.lexists(beside):
        os.rename(beside, path)
        unlink(beside)  # nothing was written: both names are the same file, and a rename did nothing
    elif not _same(copy, path):
        shutil.copyfile(copy, entry["temporary"])
        os.chown(entry["temporary"], before["uid"], before["gid"])
        label(entry["temporary"], before["attributes"])
        os.chmod(entry["temporary"], before["mode"])
        os.rename(entry["temporary"], path)
    sync(os.path.dirname(path))


def attributes(path: str) -> Dict[str, str]:
    """SELinux's label, the access list and a user's own attributes of a file, in hex: for another in its place."""
    found = {}
    with contextlib.suppress(OSError):
        for name in os.listxattr(path):
            if name in ATTRIBUTES or name.startswith("user."):
                found[name] = os.getxattr(path, name).hex()
    return found


def label(path: str, wanted: Dict[str, str]) -> None:
    """Those of a file that has none of its own yet. A file system without them has lost nothing."""
    for name, value in wanted.items():
        with contextlib.suppress(OSError):
            os.setxattr(path, name, bytes.fromhex(value))


def _same(one: str, other: str) -> bool:
    try:
        with open(one, "rb") as a, open(other, "rb") as b:
            return a.read() == b.read()
    except OSError:
        return False


def mode_back(entry: Dict[str, Any]) -> None:
    """Only of the very file that was changed: its folder may belong to somebody who put another in its place.

    One that has not the mode of the fix was not changed: it may not even be possible.
    """
    try:
        fd = os.open(entry["path"], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        status = os.fstat(fd)
        same = (status.st_dev, status.st_ino) == (entry["device"], entry["inode"])
        if same and stat.S_IMODE(status.st_mode) == entry["after"]:
            os.fchmod(fd, entry["mode"])
            os.fsync(fd)
    finally:
        os.close(fd)


def server_back(server: Dict[str, Any], rebooted: bool, reloads: bool) -> None:
    """The server reads its configuration again; one that has ended is started with its own command.

    Not `reloads`: the fix changed nothing that it reads, and what waits in its files is somebody else's.
    """
    if not server["argv"]:
        return  # it is started for each connection, and reads it then
    if server.get("socket") and reloads:
        again(server["unit"], "try-restart")  # where none runs, the next one reads it
        reloads = False
    until = time.monotonic() + (BOOT_S if rebooted and not server["unit"] else 0)
    while not listening(server) and time.monotonic() < until:
        time.sleep(LOOK_S)
    for pid in ours(server) if reloads else []:
        before = image(pid)
        os.kill(pid, signal.SIGHUP)
        until = time.monotonic() + RELOAD_S
        while alive(pid) and not (image(pid) != before and listening(server)) and time.monotonic() < until:
            time.sleep(LOOK_S / 4)
    if not listening(server):
        start(server)


def again(unit: str, verb: str) -> None:
    """With its starts so far forgotten: systemd shuts the door of a service that was started often."""
    run("systemctl", "--no-block", "reset-failed", unit)
    run("systemctl", "--no-block", verb, unit)


def start(server: Dict[str, Any]) -> None:
    """Starts the server; with systemd, without waiting for it: it may be ordered after us."""
    if server["unit"] and os.path.isdir(RUNNING_SYSTEMD):
        again(server["unit"], "start")
        return
    with contextlib.suppress(OSError):
        os.makedirs("/run/sshd", 0o755, exist_ok=True)  # it is gone after a reboot, and sshd insists on it
    nothing = subprocess.DEVNULL
    folder = server["folder"] if os.path.isdir(server["folder"]) else "/"
    subprocess.Popen(
        server["argv"], stdin=nothing, stdout=nothing, stderr=nothing, cwd=folder, env=PLAIN,
        start_new_session=True,
    )  # fmt: skip


def sockets(port: int, address: str, owner: int = 0) -> Set[str]:
    """Those that listen on a TCP port for an address of this VM, as /proc names them.

    Root's alone: above 1024 anybody can listen at `::` beside a server for IPv4, and would count as that server.
    """
    ends = {"%s:%04X" % (each, port) for each in _written(address)}
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            with open(table, encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
            found |= {
                "socket:[%s]" % row[9] for row in rows if row[3] == "0A" and row[1] in ends and row[7] == str(owner)
            }
    return found


def _written(address: str) -> Set[str]:
    """The address, and that of all of them, as /proc writes both: words of 32 bits in the machine's own order."""
    plain = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(plain, "ipv4_mapped", None) or plain
    forms = {plain.packed, mapped.packed, bytes(4), bytes(16)}
    forms |= {bytes(10) + b"\xff\xff" + mapped.packed} if mapped.version == 4 else set()
    return {"".join("%08X" % word for word in struct.unpack("=%dI" % (len(form) // 4), form)) for form in forms}


def listening(server: Dict[str, Any]) -> bool:
    """Somebody listens where we came in: the server, or systemd in its place."""
    return bool(sockets(server["port"], server["address"]))


def listeners(port: int, address: str) -> List[int]:
    """Processes called sshd that listen there."""
    held = sockets(port, address)
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and held and _holds(int(name), held)]


def ours(server: Dict[str, Any]) -> List[int]:
    """The one that was fixed, by its command; all that listen there where none of them shows it."""
    found = listeners(server["port"], server["address"])
    return [pid for pid in found if _shows(pid, " ".join(server["argv"]))] or found


def _shows(pid: int, command: str) -> bool:
    """In its title, or where it has none of its own."""
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            title = os.fsdecode(file.read().rstrip(b"\0 ").replace(b"\0", b" "))
    except OSError:
        return False
    return title == command or title.startswith("sshd: %s [" % command)


def _holds(pid: int, held: Set[str]) -> bool:
    try:
        with open("/proc/%d/comm" % pid, encoding="utf-8", errors="replace") as file:
            if file.read().strip() != "sshd":
                return False
        return any(_target("/proc/%d/fd/%s" % (pid, fd)) in held for fd in os.listdir("/proc/%d/fd" % pid))
    except OSError:
        return False


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def image(pid: int) -> bytes:
    """What tells a program from the one that it was before it started itself anew: where it lies in memory."""
    try:
        with open("/proc/%d/auxv" % pid, "rb") as file:
            return file.read()
    except OSError:
        return b""


def alive(pid: int) -> bool:
    """It runs, and is no corpse."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def disarm(folder: str, manifest: Manifest) -> None:
    """Once it is decided: nothing is started at its time, or after a reboot, any more, and nothing of it is left."""
    time_back(folder)
    for entry in manifest["files"]:
        unnamed(entry["beside"], folder)
        unnamed(entry["temporary"], folder)
    for path in manifest["armed"] + manifest["unfinished"]:
        unlink(path)
    if manifest["timer"] and os.path.isdir(RUNNING_SYSTEMD):
        run("systemctl", "--no-block", "stop", manifest["timer"])
        run("systemctl", "--no-block", "daemon-reload")


def run(*words: str) -> int:
    """The exit code; a program that is not there is 127."""
    try:
        return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False).returncode
    except OSError:
        return 127


def unlink(path: str) -> None:
    """Removes what may have gone already."""
    if path and os.path.lexists(path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        sync(os.path.dirname(path))


def unnamed(path: str, fix: str) -> None:
    """Removes a name that only we knew; `fix`: the fix's own folder."""
    if os.path.lexists(path):
        with same_time(os.path.dirname(path), fix):
            unlink(path)


@contextlib.contextmanager
def same_time(folder: str, fix: str) -> Iterator[None]:
    """Our names come and go unnoticed: by its folder's time it is told whether the server has read its files.

    Whoever is killed meanwhile leaves the time as a link to nothing, which needs no room, in the fix's own folder.
    """
    status = os.stat(folder)
    note = os.path.join(fix, TIME)
    with contextlib.suppress(OSError):
        os.symlink("%d %d %s" % (status.st_atime_ns, status.st_mtime_ns, folder), note)
    try:
        yield
    finally:
        os.utime(folder, ns=(status.st_atime_ns, status.st_mtime_ns))
        with contextlib.suppress(OSError):
            os.unlink(note)


def time_back(fix: str) -> None:
    """What somebody was killed over; a change that came later than his is another's, and stays to be seen."""
    note = os.path.join(fix, TIME)
    with contextlib.suppress(OSError, ValueError):
        accessed, modified, folder = os.readlink(note).split(" ", 2)
        if 0 <= os.stat(folder).st_mtime_ns - os.lstat(note).st_mtime_ns < OURS_NS:
            os.utime(folder, ns=(int(accessed), int(modified)))
        os.unlink(note)


def sync(path: str) -> None:
    """What was done in the folder, or to the file, outlasts a power cut."""
    with contextlib.suppress(FileNotFoundError):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def main(folder: str, word: str) -> None:
    """`wait` says that it is there, and waits for the time; `due` looks once; `now` does not ask for the time."""
    manifest = read(folder)
    if word == "wait":
        os.write(1, b"armed\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        while pending(folder) and not due(manifest):
            time.sleep(LOOK_S)
    if word == "due" and pending(folder) and not due(manifest):
        return
    for _ in range(TRIES):
        with contextlib.suppress(OSError):
            put_back(folder)
            return
        time.sleep(AGAIN_S)
    sys.exit(1)


if __name__ == "__main__":
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # of the session that we came from
    main(sys.argv[1], sys.argv[2])
