"""What this process holds in memory stays there, once a credential was among it."""

from __future__ import annotations

import contextlib
import resource
from typing import Iterator

PR_SET_DUMPABLE = 4  # prctl(2)


@contextlib.contextmanager
def private() -> Iterator[None]:
    """No core dump, whoever takes it, and no look by other programs of the account. Also a decorator.

    It stays so when the block has ended: what was freed is still there, and nothing in Python wipes it. The limit alone
    is not enough: where the kernel pipes dumps to a program, it does not count (core(5)).
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    dumpable(False)
    yield


def dumpable(yes: bool) -> None:
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, int(yes), 0, 0, 0)
