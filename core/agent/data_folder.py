"""The names below ROOT/data, and its locks.

ROOT/data/ has DIGEST/{files/, manifest.json, staged, used, summary.json}, `.tmp-FAMILY-0` (a staging), `.gone-…`
(removed and not yet deleted) and `.lock-…`. Whatever else is there is foreign: counted, and never touched.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import List

DIGEST = re.compile(r"[0-9a-f]{64}\Z")
TEMPORARY = re.compile(r"\.tmp-([0-9a-f]{16})-[0-9a-f]+\Z")
GONE = re.compile(r"\.gone-([0-9a-f]{64}|tmp-[0-9a-f]{16}-[0-9a-f]+)-[0-9a-f]{8}\Z")
USE = "use"  # a lock: shared while a run is made, taken alone while versions come or go
REMOVAL = "removal"  # a lock: one removal at a time


def folder(root: str) -> str:
    return os.path.join(root, "data")


def family(source: str, within: str) -> str:
    """A lock and the name of a staging: what comes from one place is staged by one at a time."""
    return hashlib.sha256((source + "\0" + within).encode("utf-8")).hexdigest()[:16]


def temporary(family: str) -> str:
    """The name of a staging: what is still the same when the container has changed is used."""
    return ".tmp-%s-0" % family


def hidden(name: str) -> str:
    """The name of a version or staging that is out of sight."""
    return ".gone-%s-%s" % (name.lstrip("."), os.urandom(4).hex())


def was(hidden: str) -> str:
    """The name, before, of what was taken out of sight."""
    name = hidden[len(".gone-") : hidden.rindex("-")]
    return "." + name if name.startswith("tmp-") else name


def lock_of(base: str, name: str) -> str:
    """`name`: a family, USE or REMOVAL."""
    return os.path.join(base, ".lock-" + name)


def names(base: str) -> List[str]:
    try:
        return sorted(os.listdir(base))
    except FileNotFoundError:
        return []


def is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def is_version(base: str, name: str) -> bool:
    return bool(DIGEST.match(name)) and is_folder(os.path.join(base, name))


def is_foreign(base: str, name: str) -> bool:
    if name.startswith(".lock-"):
        return False
    known = DIGEST.match(name) or TEMPORARY.match(name) or GONE.match(name)
    return not (known and is_folder(os.path.join(base, name)))


def gone(base: str) -> List[str]:
    """Names of what was taken out of sight, and is still on the disk."""
    return [name for name in names(base) if GONE.match(name) and is_folder(os.path.join(base, name))]


def sync(base: str) -> None:
    """Returns when the names in this folder are on its disk: a power cut brings nothing back."""
    fd = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
