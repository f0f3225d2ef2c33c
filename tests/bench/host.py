"""An sshd of our own: a site file for trainshed, an OpenSSH ControlMaster for the floor, both also over a slow link."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.lab.sshd import HOST, Sshd

from .row import QUIET

PROGRAM = [str(Path(sys.executable).with_name("trainshed"))]


class Host:
    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: more variables of its sessions."""
        self.folder = folder
        self.sshd = Sshd(folder, environment=environment)
        self.target = f"{self.sshd.user}@{self.sshd.host}"
        self.site = self.site_at(self.sshd.port)
        self.ssh = self.ssh_at(self.sshd.port)

    def site_at(self, port: int) -> Path:
        """A site file that reaches the sshd by this port."""
        site = self.folder / f"bench{port}.toml"
        (self.folder / "none.txt").write_text("")
        site.write_text(
            f'name = "bench"\n[vms.bench]\nhost = "{self.sshd.host}"\nport = {port}\n'
            f'user = "{self.sshd.user}"\nidentity = "{self.sshd.client_key}"\nhost_keys = ["{self.sshd.pinned}"]\n'
            '[environments]\nplain = { requirements = "none.txt" }\n'
        )
        return site

    def ssh_at(self, port: int) -> list[str]:
        known = self.folder / "known_hosts"
        key = self.sshd.host_key_line.partition(" ")[2]
        known.write_text((known.read_text() if known.exists() else "") + f"[{HOST}]:{port} {key}\n")
        return [
            "ssh", "-F", "none", "-p", str(port), "-i", str(self.sshd.client_key),
            "-o", "IdentitiesOnly=yes", "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes",
        ]  # fmt: skip

    def trainshed(self, *words: str, site: Path | None = None) -> list[str]:
        return [*PROGRAM, "--site", str(site or self.site), *words]


class Master:
    """An OpenSSH ControlMaster; `command(TEXT)` is what runs TEXT on the host over it."""

    def __init__(self, host: Host, ssh: list[str]) -> None:
        self._words = [*ssh, "-o", f"ControlPath={host.folder / f'ctl{id(self):x}'}"]
        self._target = host.target

    def __enter__(self) -> Master:
        self._process = subprocess.Popen([*self._words, "-o", "ControlMaster=yes", "-N", self._target], **QUIET)
        while subprocess.run([*self._words, "-O", "check", self._target], check=False, **QUIET).returncode:
            if self._process.poll() is not None:
                raise SystemExit("bench: the ControlMaster does not start")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def command(self, text: str) -> list[str]:
        return [*self._words, self._target, text]

    async def run(self, text: str) -> None:
        null = asyncio.subprocess.DEVNULL
        done = await asyncio.create_subprocess_exec(*self.command(text), stdin=null, stdout=null, stderr=null)
        if await done.wait():
            raise SystemExit(f"bench: {text!r} failed over the ControlMaster")
