"""What this process holds in memory stays there while a credential is among it."""

from __future__ import annotations

import contextlib
import resource
import threading
from typing import Iterator

PR_SET_DUMPABLE = 4  # prctl(2)
_turn = threading.Lock()
_inside = 0


@contextlib.contextmanager
def private() -> Iterator[None]:
    """No core dump, whoever takes it, and no look by other programs of the account. Also a decorator.

    The limit alone is not enough: where the kernel pipes dumps to a program, it does not count (core(5)).
    """
    global _inside  # noqa: PLW0603 - it is the process that is private
    with _turn:
        if not _inside:
            resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
            dumpable(False)
        _inside += 1
    try:
        yield
    finally:
        with _turn:
            _inside -= 1
            if not _inside:
                dumpable(True)


def dumpable(yes: bool) -> None:
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, int(yes), 0, 0, 0)
