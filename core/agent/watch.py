"""Waits until something changes in a folder: inotify(7), or a look every 50 ms where there is none."""

from __future__ import annotations

import ctypes
import os
import select
import time
from typing import Any, Sequence

from .call import Call

EVENTS = 0x2 | 0x100 | 0x80 | 0x200  # IN_MODIFY, IN_CREATE, IN_MOVED_TO, IN_DELETE
NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
POLL_S = 0.05
GATHER_S = 0.004  # a burst of small writes is one change
CANCEL_S = 0.25


class Watch:
    def __init__(self, folders: Sequence[str]) -> None:
        self._fd = -1
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            self._fd = libc.inotify_init1(NONBLOCK_CLOEXEC)
            added = [libc.inotify_add_watch(self._fd, os.fsencode(folder), EVENTS) for folder in folders]
        except (OSError, AttributeError):
            added = [-1]
        if self._fd >= 0 and -1 in added:
            self.__exit__()

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: Any) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def wait(self, call: Call, seconds: float) -> bool:
        """True as soon as something may have changed, False after `seconds`. Raises Cancelled."""
        end = time.monotonic() + seconds
        if self._fd < 0:
            call.wait(POLL_S)
            return time.monotonic() % seconds > POLL_S  # now and then False, so that the caller looks around
        while True:
            call.wait(0)
            left = end - time.monotonic()
            if left <= 0:
                return False
            if select.select([self._fd], [], [], min(left, CANCEL_S))[0]:
                time.sleep(GATHER_S)
                os.read(self._fd, 64 * 1024)
                return True

    def pause(self, seconds: float, wakeup: int) -> None:
        """The same where no call waits: until something changes, `wakeup` can be read, or the time is over."""
        ready = select.select([wakeup] if self._fd < 0 else [wakeup, self._fd], [], [], seconds)[0]
        for fd in ready:
            os.read(fd, 64 * 1024)
