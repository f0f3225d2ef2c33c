"""The disk under what is staged: room for it, what is on it for good, what is swept."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import time
from typing import Iterable, Set

from .faults import Fault
from .fetch_pool import is_local
from .locks import free

RESERVE = 16 * 1024 * 1024  # of free disk that staging leaves alone


def make_sure_of_room(base: str, sizes: Iterable[int], here: int) -> None:
    """`sizes`: of the files to fetch, `here`: bytes of them that are on the disk already. Raises Fault."""
    disk = os.statvfs(base)
    block = disk.f_frsize or 4096
    wanted, count = -here, 0
    for size in sizes:
        wanted += -(-size // block) * block
        count += 1
    free = max(disk.f_bavail * block - RESERVE, 0)
    if wanted > free:
        what = "the VM's disk has no room: %d bytes are to be staged and %d are free" % (wanted, free)
        raise Fault("data", what, "free some space below %s" % base, needed=wanted, free=free)
    if disk.f_files and count > disk.f_favail:
        what = "the VM's disk has no room for %d more files (%d inodes are free)" % (count, disk.f_favail)
        raise Fault("data", what, "remove some files on the file system of %s" % base, needed=count, free=disk.f_favail)


def settle(base: str) -> None:
    """Returns when all that was written below `base` is on its disk.

    One syncfs, where an fsync for each of 100,000 files would take minutes; os.sync, the other way, waits for every
    disk of the VM. Raises OSError where the disk has failed to write.
    """
    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError):
        os.sync()
        return
    handle = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if syncfs(handle) != 0:
            code = ctypes.get_errno()
            if code != errno.ENOSYS:
                raise OSError(code, os.strerror(code))
            os.sync()
    finally:
        os.close(handle)


def seal(temporary: str) -> None:
    """On the disk for good. The files are read-only already; the folders become so here."""
    for folder, _, _ in os.walk(os.path.join(temporary, "files"), topdown=False):
        os.chmod(folder, 0o555)  # noqa: S103 (a sandbox has another uid; the folders above are the agent's alone)
    settle(os.path.dirname(temporary))


def publish(temporary: str, place: str) -> None:
    """Visible in one step, once it is sealed. No version may be there, and none may come meanwhile."""
    base, name = os.path.split(place)
    if os.path.lexists(place):  # without a manifest that can be read: no version
        broken = os.path.join(base, ".gone-%s-%08x" % (name, int(time.time()) & 0xFFFFFFFF))
        os.rename(place, broken)
        discard(broken)
    os.rename(temporary, place)
    handle = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def discard(folder: str) -> None:
    """A folder whose owner may not write to it is opened first."""
    for inside, _, _ in os.walk(folder):
        try:
            os.chmod(inside, 0o700)
        except OSError:
            continue
    shutil.rmtree(folder, ignore_errors=True)


def tidy(base: str, keep: Set[str]) -> None:
    """Removes each file below `base` but those (relative), and folders that are empty then."""
    if not os.path.isdir(base):
        return
    for folder, _, _ in os.walk(base):
        os.chmod(folder, 0o700)
    start = len(base) + 1
    for folder, folders, names in os.walk(base, topdown=False):
        for name in names:
            path = folder + "/" + name
            if path[start:] not in keep:
                os.unlink(path)
        for name in folders:
            path = folder + "/" + name
            try:
                os.unlink(path) if os.path.islink(path) else os.rmdir(path)
            except OSError:
                continue  # not empty


def lock_of(base: str, temporary: str) -> str:
    """One staging of the same source at a time; the second one waits, and then finds the work done."""
    return os.path.join(base, ".lock-" + temporary.split("-")[1])


def fault(error: OSError, base: str) -> Fault:
    """What a broken link or a full disk means; on a full disk nothing that is partly there stays."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        for name in os.listdir(base):
            if name.startswith(".tmp-"):
                with free(lock_of(base, name)) as idle:  # held: a staging that begins now would lose what it counts on
                    if idle:
                        discard(os.path.join(base, name))
        return Fault("data", "the VM's disk became full while staging", "free some space below %s" % base)
    if is_local(error):
        return Fault("data", "%s cannot be written (%s)" % (base, error.strerror), "is the folder the agent's own?")
    hint = "trainshed check data names the broken link; staging goes on where it ended"
    return Fault("data", "the connection to the storage service broke (%s)" % (error.strerror or error), hint)
