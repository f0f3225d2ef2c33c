"""What folders of staged data take up, hard links among them counted once."""

from __future__ import annotations

import contextlib
import os
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

from .call import Call

LOOK = 1000  # files between two looks whether the call was cancelled


class Measure(NamedTuple):
    files: int
    bytes: int
    alone: int  # bytes that no other folder shares by a hard link


def measure(call: Call, places: Sequence[str]) -> Measure:
    """Of all of them together; what goes when all of them go is `alone`. No link is followed."""
    files = total = alone = 0
    shared: Dict[Tuple[int, int], List[int]] = {}
    for place in places:
        for names, directory in _walk(place):
            for name in names:
                files += 1
                if files % LOOK == 0:
                    call.wait(0)
                try:
                    here = os.stat(name, dir_fd=directory, follow_symlinks=False)
                except OSError:
                    continue
                total += here.st_size
                if here.st_nlink == 1:
                    alone += here.st_size
                else:
                    shared.setdefault((here.st_dev, here.st_ino), [here.st_nlink, here.st_size, 0])[2] += 1
    alone += sum(size for links, size, seen in shared.values() if seen >= links)
    return Measure(files, total, alone)


def _walk(place: str) -> Iterator[Tuple[List[str], int]]:
    """(names of files, descriptor of their folder); nothing of a folder that is not there."""
    with contextlib.suppress(FileNotFoundError):
        for _, _, names, directory in os.fwalk(place):
            yield names, directory
