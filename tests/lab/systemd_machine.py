"""A `Machine` that real systemd boots, out of this machine's own /usr: `systemd-nspawn`, on loopback alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from .machine import Ended, Machine, until
from .sshd import HOST

MASKED = ("docker", "containerd", "cron", "systemd-resolved", "systemd-networkd", "systemd-timesyncd")
WORDS = ["systemd-nspawn", "-q", "-D", "/", "--volatile=yes", "-b", "--register=no", "--keep-unit"]
WORDS += ["--console=pipe", "--link-journal=no"]


def lacking() -> str:
    """Why it cannot be had here, or ""."""
    if os.geteuid() != 0:
        return "a VM of its own needs root"
    return "" if shutil.which("systemd-nspawn") else "systemd-nspawn is missing: apt-get install systemd-container"


class SystemdMachine(Machine):
    """`unit` starts its server."""

    unit = "ssh.service"

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
        (units / "multi-user.target.wants" / self.unit).symlink_to(f"/lib/systemd/system/{self.unit}")
        for name in MASKED:
            (units / f"{name}.service").unlink(missing_ok=True)
            (units / f"{name}.service").symlink_to("/dev/null")
        (self.etc / "machine-id").write_text("")


class SocketMachine(SystemdMachine):
    """systemd listens, and starts the server when somebody comes, as ssh.socket of Debian and Ubuntu has it."""

    unit = "ssh.socket"

    def _units(self) -> None:
        super()._units()
        folder = self.etc / "systemd/system/ssh.socket.d"
        folder.mkdir()
        (folder / "port.conf").write_text(f"[Socket]\nListenStream=\nListenStream={HOST}:{self.port}\n")

    def setting(self, keyword: str) -> str:
        """Where no sshd runs at that moment, there is no /run/sshd, which it insists on."""
        found: list[str] = []

        def told() -> bool:
            with suppress(subprocess.CalledProcessError):
                found.append(super(SocketMachine, self).setting(keyword))
            return bool(found)

        until(lambda: self.listens() and told())
        return found[-1]


@contextmanager
def systemd_machine(folder: Path, kind: type[SystemdMachine] = SystemdMachine, **how: Any) -> Iterator[SystemdMachine]:
    """One that ends with the block."""
    folder.mkdir(mode=0o755)
    try:
        made = kind(folder, **how)
    except Ended as ended:
        pytest.skip(f"systemd does not boot in a namespace of this machine: {ended}")
    try:
        yield made
    finally:
        made.stop()
