"""The disk under what is staged: room for it, what is on it for good, what is swept."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import ssl
from typing import Any, Dict, Iterable, Set

from . import data_folder, data_manifests, folders
from .faults import Fault
from .locks import free

LOCAL = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO),
    *(errno.EMFILE, errno.EFBIG, errno.ENAMETOOLONG),
)
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


def make_whole(temporary: str, manifest: Dict[str, Any]) -> None:
    """A staging becomes what a version is, on the disk. The files are read-only already; the folders become so here."""
    for name in os.listdir(temporary):  # the journal, and what else was noted meanwhile
        if name != "files":
            os.unlink(os.path.join(temporary, name))
    data_manifests.write(temporary, manifest)
    for folder, _, _ in os.walk(os.path.join(temporary, "files"), topdown=False):
        os.chmod(folder, 0o555)  # noqa: S103 (a sandbox has another uid; the folders above are the agent's alone)
    settle(temporary)


def publish(temporary: str, base: str, digest: str) -> None:
    """Visible in one step; what is broken there is out of sight then, and still on the disk."""
    place = os.path.join(base, digest)
    if os.path.lexists(place):
        os.rename(place, os.path.join(base, data_folder.hidden(digest)))
    os.rename(temporary, place)
    data_folder.sync(base)


def keep_only(base: str, keep: Set[str]) -> None:
    """Removes each file below `base` but those (relative), and folders that are empty then."""
    if not os.path.isdir(base):
        return
    folders.open_up(base)
    start = len(base) + 1
    for folder, inside, names in os.walk(base, topdown=False):
        for name in names:
            path = folder + "/" + name
            if path[start:] not in keep:
                os.unlink(path)
        for name in inside:
            path = folder + "/" + name
            try:
                os.unlink(path) if os.path.islink(path) else os.rmdir(path)
            except OSError:
                continue  # not empty


def fault(error: OSError, base: str) -> Fault:
    """What a broken link or a full disk means; on a full disk nothing that is partly there stays."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        for name in data_folder.names(base):
            partly = data_folder.TEMPORARY.match(name)
            if partly is not None:
                with free(data_folder.lock_of(base, partly.group(1))) as idle:
                    if idle:
                        folders.remove(os.path.join(base, name))
        return Fault("data", "the VM's disk became full while staging", "free some space below %s" % base)
    if is_local(error):
        where = error.filename or base
        return Fault(
            "data", "%s cannot be read or written (%s)" % (where, error.strerror), "is %s the agent's own?" % base
        )
    hint = "trainshed check data names the broken link; staging goes on where it ended"
    return Fault("data", "the connection to the storage service broke (%s)" % (error.strerror or error), hint)


def is_local(error: BaseException) -> bool:
    """Of this machine's disk, and not of the network. The errno of TLS and of name resolution is of their own."""
    if not isinstance(error, OSError) or isinstance(error, (ssl.SSLError, socket.gaierror)):
        return False
    return error.errno in LOCAL or error.filename is not None
