"""A lock that is a file: one at a time, whichever process asks."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import Iterator

from .call import Call

LOOK_S = 0.1


@contextlib.contextmanager
def locked(call: Call, path: str, shared: bool = False) -> Iterator[None]:
    """Waits for the lock; raises what `call.wait` raises when the call is cancelled meanwhile.

    `shared`: with others who share it; whoever wants it alone waits for them all.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(fd, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                call.wait(LOOK_S)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def free(path: str) -> Iterator[bool]:
    """Whether nobody has the lock; then nobody can take it inside the block. One that is not there is not made."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield True
        return
    try:
        yield taken(fd)
    finally:
        os.close(fd)


def taken(fd: int) -> bool:
    """Takes the lock of an open file; False where somebody has it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
