"""A `Machine` that real systemd boots, out of this machine's own /usr: `systemd-nspawn`, on loopback alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .machine import Ended, Machine, until

MASKED = ("docker", "containerd", "cron", "systemd-resolved", "systemd-networkd", "systemd-timesyncd")
WORDS = ["systemd-nspawn", "-q", "-D", "/", "--volatile=yes", "-b", "--register=no", "--keep-unit"]
WORDS += ["--console=pipe", "--link-journal=no"]


def lacking() -> str:
    """Why it cannot be had here, or ""."""
    if os.geteuid() != 0:
        return "a VM of its own needs root"
    return "" if shutil.which("systemd-nspawn") else "systemd-nspawn is missing: apt-get install systemd-container"


class SystemdMachine(Machine):
    """ssh.service is its server."""

    def start(self, *, wait: bool = True) -> None:
        if not self._boots:
            self._units()
        self._boots += 1
        places = [f"--bind={self.folder / place}:/{place}" for place in ("etc", "home", "var/lib")]
        words = [*WORDS, f"--machine={self.name}", *places, "--bind-ro=/var/lib/dpkg:/var/lib/dpkg"]
        with (self.folder / "boot.log").open("ab") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            until(self.listens)

    @property
    def name(self) -> str:
        return f"trainshed-{self.port}-{self._boots}"  # the last one's may not be given back yet

    def _units(self) -> None:
        units = self.etc / "systemd/system"
        for wanted in units.glob("*.wants"):
            shutil.rmtree(wanted)
        (units / "multi-user.target.wants").mkdir(parents=True, exist_ok=True)
        (units / "multi-user.target.wants/ssh.service").symlink_to("/lib/systemd/system/ssh.service")
        for name in MASKED:
            (units / f"{name}.service").unlink(missing_ok=True)
            (units / f"{name}.service").symlink_to("/dev/null")
        (self.etc / "machine-id").write_text("")


@contextmanager
def systemd_machine(folder: Path, **how: Any) -> Iterator[SystemdMachine]:
    """One that ends with the block."""
    folder.mkdir(mode=0o755)
    try:
        made = SystemdMachine(folder, **how)
    except Ended as ended:
        pytest.skip(f"systemd does not boot in a namespace of this machine: {ended}")
    try:
        yield made
    finally:
        made.stop()
