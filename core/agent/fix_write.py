"""Backups and writes of a fix: whole, for good, and each possible to undo without room on the disk."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from typing import Any, Dict, List

from . import revert
from .fix_plan import Mode, Write


def entry(write: Write, identity: str) -> Dict[str, Any]:
    """Of a file in the manifest. `beside`: a second name of the file that is there; no Include of sshd matches it."""
    folder, name = os.path.split(write.path)
    beside = os.path.join(folder, ".%s.trainshed-%s" % (name, identity))
    found: Dict[str, Any] = {"path": write.path, "beside": beside, "temporary": beside + "-new", "before": None}
    found["after"] = None if write.text is None else {"mode": write.mode}
    if os.path.exists(write.path):
        status = os.stat(write.path)
        found["before"] = {"mode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid}
        found["before"]["attributes"] = revert.attributes(write.path)
    return found


def mode_entry(mode: Mode) -> Dict[str, Any]:
    """The same of a file whose permissions alone change. Raises OSError."""
    status = os.stat(mode.path, follow_symlinks=False)
    if (stat.S_IMODE(status.st_mode), status.st_uid) != (mode.before, mode.uid):
        raise OSError(errno.ESTALE, "it has changed since the plan was made", mode.path)
    return {
        "path": mode.path,
        "uid": mode.uid,
        "mode": mode.before,
        "after": mode.after,
        "device": status.st_dev,
        "inode": status.st_ino,
    }


def new_folders(path: str) -> List[str]:
    """Folders that are to be made for a file, outermost first."""
    found: List[str] = []
    folder = os.path.dirname(path)
    while not os.path.isdir(folder):
        found.insert(0, folder)
        folder = os.path.dirname(folder)
    return found


def backup(folder: str, manifest: Dict[str, Any], writes: List[Write]) -> None:
    """The folder of a fix appears as a whole, with all that is needed to put it back. Raises OSError."""
    fresh = os.path.join(os.path.dirname(folder), "." + os.path.basename(folder))
    try:
        before, after = os.path.join(fresh, "before"), os.path.join(fresh, "after")
        for made in (fresh, before, after):
            os.mkdir(made, 0o700)
        _write(os.path.join(fresh, revert.MANIFEST), json.dumps(manifest, indent=1).encode("ascii"))
        for number, wanted in enumerate(writes):
            item = manifest["files"][number]
            if item["before"] is not None:
                with open(item["path"], "rb") as file:
                    _write(os.path.join(before, str(number)), file.read())
                _second_name(item["path"], item["beside"], fresh)
            if wanted.text is not None:
                _write(os.path.join(after, str(number)), wanted.data)
        with open(_source(), "rb") as file:
            _write(os.path.join(fresh, "revert.py"), file.read())
        _write(os.path.join(fresh, revert.PENDING), b"")
        for made in (before, after, fresh):
            revert.sync(made)
        os.rename(fresh, folder)
        revert.sync(os.path.dirname(folder))
    except OSError:
        forget(fresh)
        raise


def _source() -> str:
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "revert.py")


def _second_name(path: str, beside: str, fresh: str) -> None:
    try:
        with revert.same_time(os.path.dirname(path), fresh):
            os.link(path, beside)
    except OSError:
        return  # a file system without links: the copy serves
    revert.sync(os.path.dirname(path))


def forget(fresh: str) -> None:
    """Removes a folder that was never begun with, and the second names that it knows of."""
    try:
        items = revert.read(fresh)["files"]
    except (OSError, ValueError):
        items = []
    revert.time_back(fresh)
    for item in items:
        revert.unnamed(item["beside"], fresh)
    shutil.rmtree(fresh, ignore_errors=True)


def write(wanted: Write, temporary: str) -> None:
    """The file as it is wanted, in one step. Raises OSError."""
    folder = os.path.dirname(wanted.path)
    if wanted.text is None:
        revert.unlink(wanted.path)
        return
    for missing in new_folders(wanted.path):
        os.mkdir(missing)
        os.chmod(missing, 0o755)  # noqa: S103 - as the folders beside it; root's umask hides it otherwise
    _write(temporary, wanted.data, wanted, wanted.attributes or revert.attributes(wanted.path))
    os.rename(temporary, wanted.path)
    revert.sync(folder)


def _write(path: str, data: bytes, wanted: "Write | None" = None, attributes: "Dict[str, str] | None" = None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        if wanted is not None:
            os.fchown(file.fileno(), wanted.uid, wanted.gid)
            revert.label(path, attributes or {})
            os.fchmod(file.fileno(), wanted.mode)
        os.fsync(file.fileno())


def set_mode(mode: Mode, entry: Dict[str, Any]) -> None:
    """Of the very file that the plan saw. Raises OSError; follows no link."""
    fd = os.open(mode.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(fd)
        was = (entry["device"], entry["inode"], entry["uid"], entry["mode"])
        now = (status.st_dev, status.st_ino, status.st_uid, stat.S_IMODE(status.st_mode))
        if now != was:  # so bits are only taken away
            raise OSError(errno.ESTALE, "another file is there now", mode.path)
        os.fchmod(fd, mode.after)
        os.fsync(fd)
    except OSError as error:
        raise OSError(error.errno, error.strerror, mode.path) from None  # by a descriptor, no file is named
    finally:
        os.close(fd)
