"""`make bench`: each figure beside its floor, measured in turns in the same run.

An absolute time says little on a shared machine, so the ratio is what to read.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import terminal
from tests.lab.sshd import Sshd

ROUNDS = 9
PROGRAM = [str(Path(sys.executable).with_name("trainshed"))]
QUIET: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@dataclass(frozen=True)
class Row:
    what: str
    ours: list[float]
    floor_name: str
    floor: list[float]

    def __str__(self) -> str:
        ours, floor = statistics.median(self.ours) * 1000, statistics.median(self.floor) * 1000
        return f"| {self.what} | {ours:.1f} | {self.floor_name} | {floor:.1f} | {ours / floor:.2f} |"


def timed(command: list[str], stdin: bytes | None = None) -> float:
    began = time.perf_counter()
    if stdin is None:
        done = subprocess.run(command, check=False, **QUIET)
    else:
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"bench: {command!r} ended with {done.returncode}")
    return took


def in_turns(ours: Callable[[], float], floor: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Both warmed up once, then one after the other, so that noise hits both."""
    ours(), floor()
    pairs = [(ours(), floor()) for _ in range(ROUNDS)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def compared(what: str, ours: Callable[[], float], floor_name: str, floor: Callable[[], float]) -> Row:
    measured = in_turns(ours, floor)
    return Row(what, measured[0], floor_name, measured[1])


class Host:
    """An sshd of our own with a site file for trainshed and an ssh_config for OpenSSH."""

    def __init__(self, folder: Path) -> None:
        self.sshd = Sshd(folder)
        self.site = folder / "bench.toml"
        self.site.write_text(
            f'name = "bench"\n[vms.bench]\nhost = "{self.sshd.host}"\nport = {self.sshd.port}\n'
            f'user = "{self.sshd.user}"\nidentity = "{self.sshd.client_key}"\nhost_keys = ["{self.sshd.pinned}"]\n'
        )
        known = folder / "known_hosts"
        known.write_text(self.sshd.host_key_line + "\n")
        self.ssh = [
            "ssh", "-F", "none", "-p", str(self.sshd.port), "-i", str(self.sshd.client_key),
            "-o", "IdentitiesOnly=yes", "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes",
        ]  # fmt: skip
        self.target = f"{self.sshd.user}@{self.sshd.host}"

    def trainshed(self, *words: str) -> list[str]:
        return [*PROGRAM, "--site", str(self.site), *words]


SCRIPT = b"""
/usr/sbin/sshd -T -f %(config)s -C user=%(user)s,host=localhost,addr=127.0.0.1 >/tmp/out.$$ 2>&1
stat -c '%%a %%u %%n' ~ ~/.ssh %(folder)s/host_* %(folder)s/authorized_keys 2>/dev/null
cat /proc/net/tcp /proc/net/tcp6 /etc/os-release /proc/meminfo >/dev/null
rm -f /tmp/out.$$
true
"""


def host_rows(host: Host) -> list[Row]:
    script = SCRIPT % {
        b"config": str(host.sshd.config).encode(),
        b"user": host.sshd.user.encode(),
        b"folder": str(host.sshd.folder).encode(),
    }
    return [
        compared(
            "`trainshed connect`, cold",
            lambda: timed(host.trainshed("connect")),
            "`ssh HOST true`",
            lambda: timed([*host.ssh, host.target, "true"]),
        ),
        compared(
            "`trainshed check ssh`, cold",
            lambda: timed(host.trainshed("check", "ssh", "--fail-on", "critical")),
            "`ssh HOST sh -s < script`",
            lambda: timed([*host.ssh, host.target, "sh", "-s"], script),
        ),
    ]


async def warm_row(host: Host, folder: Path) -> Row:
    from core.site import files
    from core.ssh.link import SiteLink

    link = SiteLink(files.load(host.site))
    agent = await link.agent()
    control = [*host.ssh, "-o", f"ControlPath={folder / 'ctl'}"]
    master = subprocess.Popen([*control, "-o", "ControlMaster=yes", "-N", host.target], **QUIET)
    try:
        while subprocess.run([*control, "-O", "check", host.target], check=False, **QUIET).returncode:
            await asyncio.sleep(0.05)
        digest = "0" * 64

        async def once(work: Callable[[], Awaitable[object]]) -> float:
            began = time.perf_counter()
            await work()
            return time.perf_counter() - began

        async def through_ssh() -> None:
            command = [*control, host.target, f"test ! -e ~/.trainshed/snapshots/{digest}"]
            null = asyncio.subprocess.DEVNULL
            done = await asyncio.create_subprocess_exec(*command, stdin=null, stdout=null, stderr=null)
            if await done.wait():
                raise SystemExit("bench: ssh over the ControlMaster failed")

        async def through_agent() -> object:
            return await agent.call("snapshots.have", digest=digest)

        await through_ssh()
        await through_agent()
        pairs = [(await once(through_agent), await once(through_ssh)) for _ in range(ROUNDS * 3)]
    finally:
        master.terminate()
        master.wait()
        await link.close()
    return Row(
        "a warm agent call", [a for a, _ in pairs], "the same over an OpenSSH ControlMaster", [b for _, b in pairs]
    )


def start_rows() -> list[Row]:
    return [
        compared(
            "`trainshed --help`",
            lambda: timed([*PROGRAM, "--help"]),
            "`python -c pass`",
            lambda: timed([sys.executable, "-c", "pass"]),
        ),
        compared(
            "first paint of the TUI",
            lambda: terminal.first_paint([*PROGRAM, "demo", "--replay"], b"Connect"),
            "a bare Textual app",
            lambda: terminal.first_paint([sys.executable, "-c", terminal.BARE], b"BARE-APP"),
        ),
    ]


def main() -> None:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trainshed-tests"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(dir=base))
    os.environ["TRAINSHED_HOME"] = str(folder / "home")
    rows = start_rows()
    host = Host(folder)
    try:
        rows += host_rows(host)
        rows.append(asyncio.run(warm_row(host, folder)))
    finally:
        host.sshd.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"median of {ROUNDS}, in turns, {os.cpu_count()} cores, Python {sys.version.split()[0]}\n")
    print("| what | ms | floor | ms | ratio |\n|---|---|---|---|---|")
    print("\n".join(map(str, rows)))


main()
