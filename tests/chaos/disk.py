"""A small disk for the VM, in a mount namespace of its own that ends with us."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TRIES = 20
HOLD = 'mkdir -p "$1" && mount -t tmpfs -o "size=$2,mode=700" tmpfs "$1" && echo mounted && read -r _'


class SmallDisk:
    """`enter`: words that start a program in the namespace, which `pid` keeps; `settings`: lines of sshd_config that
    start sessions so.
    """

    def __init__(self, root: Path, size: int) -> None:
        words = ["unshare", "-m", "--propagation", "private", "sh", "-c", HOLD, "sh", str(root), str(size)]
        self._holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self._holder.pid
        assert self._holder.stdout is not None and self._holder.stdout.readline() == b"mounted\n"
        self._fill = self.seen(root) / "fill"
        self.enter = ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt"]
        self.settings = [f'ForceCommand exec {" ".join(self.enter)} /bin/sh -c "$SSH_ORIGINAL_COMMAND"']

    def seen(self, path: Path) -> Path:
        """`path` of the VM, from outside."""
        return Path(f"/proc/{self._holder.pid}/root{path}")

    def leave(self, size: int) -> None:
        """Fills the disk but for so many bytes."""
        self.clear()
        for tries in range(TRIES):
            status = os.statvfs(self._fill.parent)
            with self._fill.open("wb") as file:
                try:
                    os.posix_fallocate(file.fileno(), 0, max(1, status.f_bavail * status.f_bsize - size))
                    return
                except OSError:  # a run has written meanwhile
                    if tries == TRIES - 1:
                        raise

    def clear(self) -> None:
        self._fill.unlink(missing_ok=True)

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait(10)
        for pipe in (self._holder.stdin, self._holder.stdout):
            if pipe is not None:
                pipe.close()
