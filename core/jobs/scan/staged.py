"""Files that are copies of what is staged on the VM, by their sha256, or by name and size."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from . import reading

MOST_HASHED = 300 * 1000 * 1000  # bytes of one file: a snapshot has no larger one


class StagedFile(msgspec.Struct, frozen=True, kw_only=True):
    path: str  # in the container
    size: int
    sha256: str = ""  # "" where it is not known: name and size decide


def by_size(files: Iterable[StagedFile]) -> Mapping[int, list[StagedFile]]:
    found: dict[int, list[StagedFile]] = {}
    for each in files:
        if each.size:
            found.setdefault(each.size, []).append(each)
    return found


def match(path: str, size: int, known: Mapping[int, list[StagedFile]]) -> StagedFile | None:
    """The staged file that this one is. Nothing is read of a file whose size none of them has. Blocks."""
    candidates = known.get(size, [])
    hashed = {each.sha256: each for each in candidates if each.sha256}
    if hashed and size <= MOST_HASHED:
        try:
            data, _ = reading.read(path, size)
        except OSError:
            return None
        same = hashed.get(hashlib.sha256(data).hexdigest())
        if same is not None:
            return same
    name = path.rpartition("/")[2]
    return next((each for each in candidates if not each.sha256 and each.path.rpartition("/")[2] == name), None)
