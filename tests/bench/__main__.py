"""`make bench`: each figure beside its floor, measured in turns in the same run.

An absolute time says little on a shared machine, so the ratio is what to read.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from . import checks, log_view, metrics, runs, terminal
from .host import PROGRAM, Host, Master
from .row import ROUNDS, Row, compared, compared_live, milliseconds, timed

# What the checks read on the host, read by a shell: the floor of one round over SSH.
SCRIPT = b"""
exec >/dev/null 2>&1
/usr/sbin/sshd -T -f %(config)s -C user=%(user)s,host=localhost,addr=127.0.0.1
/usr/sbin/sshd -T -f %(config)s -C user=root,host=localhost,addr=127.0.0.1
stat -c '%%a %%u %%n' ~ ~/.ssh %(folder)s/host_* %(folder)s/authorized_keys %(config)s
ssh-keygen -lf %(folder)s/authorized_keys
cat %(folder)s/host_*.pub /etc/ssh/moduli /var/lib/dpkg/status /etc/os-release
cat /etc/login.defs /etc/pam.d/* /etc/security/*.conf /etc/apt/apt.conf.d/* /etc/systemd/logind.conf /etc/shadow
cat /proc/net/tcp /proc/net/tcp6 /proc/net/fib_trie /proc/net/if_inet6 /proc/[0-9]*/comm
ss -Hltnp || ls -l /proc/[0-9]*/fd
id; sudo -n -l; nft list ruleset
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
        *checks.rows(host, script),
    ]


async def warm_row(host: Host) -> Row:
    from core.site import files
    from core.ssh.link import SiteLink

    link = SiteLink(files.load(host.site))
    agent = await link.agent()
    digest = "0" * 64
    with Master(host, host.ssh) as master:
        try:
            return await compared_live(
                "a warm agent call",
                lambda: milliseconds(lambda: agent.call("snapshots.have", digest=digest)),
                "the same over an OpenSSH ControlMaster",
                lambda: milliseconds(lambda: master.run(f"test ! -e ~/.trainshed/snapshots/{digest}")),
                rounds=ROUNDS * 3,
            )
        finally:
            await link.close()


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


def _on_a_host(folder: Path, wanted: list[str]) -> list[Row]:
    host = Host(folder)
    try:
        rows = [*host_rows(host), asyncio.run(warm_row(host))] if "connect" in wanted else []
        return rows + (asyncio.run(runs.rows(host)) if "runs" in wanted else [])
    finally:
        host.sshd.stop()


def main() -> None:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trainshed-tests"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(dir=base))
    os.environ["TRAINSHED_HOME"] = str(folder / "home")
    wanted = sys.argv[1:] or ["start", "log", "connect", "docker", "runs", "metrics"]
    rows = start_rows() if "start" in wanted else []
    rows += log_view.rows(folder) if "log" in wanted else []
    rows += [asyncio.run(runs.docker_row(folder / "docker"))] if "docker" in wanted else []
    rows += asyncio.run(metrics.rows()) if "metrics" in wanted else []
    try:
        rows += _on_a_host(folder, wanted) if {"connect", "runs"} & set(wanted) else []
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"median of {ROUNDS} unless it says otherwise, in turns, {os.cpu_count()} cores\n")
    print("| what | measured | floor | measured | ratio | goal |\n|---|---|---|---|---|---|")
    print("\n".join(map(str, rows)))


main()
