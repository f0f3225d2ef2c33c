"""`make bench`: each figure beside its floor, measured in turns in the same run.

An absolute time says little on a shared machine, so the ratio is what to read.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from . import checks, log_view, metrics, run_list, runs, scan, staging, terminal
from .host import PROGRAM, Host, Master
from .row import ROUNDS, Failed, Part, Row, compared, compared_live, measured, milliseconds, timed

STARTS = 25  # rounds: a start is short, and what else goes on on the machine is in it
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


def connect_parts(host: Host) -> Iterator[Part]:
    script = SCRIPT % {
        b"config": str(host.sshd.config).encode(),
        b"user": host.sshd.user.encode(),
        b"folder": str(host.sshd.folder).encode(),
    }
    yield (
        "`trainshed connect`",
        lambda: [
            compared(
                "`trainshed connect`, cold",
                lambda: timed(host.trainshed("connect")),
                "`ssh HOST true`",
                lambda: timed([*host.ssh, host.target, "true"]),
            )
        ],
    )
    yield "`trainshed check ssh`", lambda: checks.rows(host, script)
    yield "a warm agent call", lambda: [asyncio.run(warm_row(host))]


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


def start_parts() -> Iterator[Part]:
    yield (
        "`trainshed --help`",
        lambda: [
            compared(
                "`trainshed --help`",
                lambda: timed([*PROGRAM, "--help"]),
                "`python -c pass`",
                lambda: timed([sys.executable, "-c", "pass"]),
            )
        ],
    )
    yield (
        "first paint",
        lambda: [
            compared(
                "first paint of the TUI",
                lambda: terminal.first_paint([*PROGRAM, "demo", "--replay"], b"Connect"),
                "a bare Textual app",
                lambda: terminal.first_paint([sys.executable, "-c", terminal.BARE], b"BARE-APP"),
                goal="≤ 1.5",
                rounds=STARTS,
            )
        ],
    )


def host_parts(folder: Path, measures: Callable[[Host], Iterable[Part]]) -> Iterator[Part]:
    """On a host of their own, which is there as long as they are measured."""
    folder.mkdir(mode=0o700)
    host = Host(folder)
    try:
        yield from measures(host)
    finally:
        host.sshd.stop()


GROUPS: dict[str, Callable[[Path], Iterable[Part]]] = {
    "start": lambda _folder: start_parts(),
    "log": log_view.parts,
    "scan": lambda _folder: scan.parts(),
    "list": lambda _folder: run_list.parts(),
    "metrics": lambda _folder: metrics.parts(),
    "staging": staging.parts,
    "docker": lambda folder: [("warm launch (docker)", lambda: [asyncio.run(runs.docker_row(folder))])],
    "connect": lambda folder: host_parts(folder, connect_parts),
    "runs": lambda folder: host_parts(folder, runs.parts),
}


def main() -> int:
    """Measures the groups that are named, else all; 1 where something could not be measured."""
    wanted = sys.argv[1:] or list(GROUPS)
    if unknown := set(wanted) - set(GROUPS):
        raise SystemExit(f"bench: no such group: {' '.join(unknown)}. There are {' '.join(GROUPS)}")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trainshed-tests"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(dir=base))
    os.environ["TRAINSHED_HOME"] = str(folder / "home")
    # as it is for a person from the second start on: no program compiles its sources, whatever is set here
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    rows: list[Row | Failed] = []

    def tell(row: Row | Failed) -> None:
        print(row, file=sys.stderr)
        rows.append(row)

    try:
        for name in wanted:
            measured(name, GROUPS[name](folder / name), tell)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"median of {ROUNDS} unless it says otherwise, in turns, {os.cpu_count()} cores\n")
        print("| what | measured | floor | measured | ratio | goal |\n|---|---|---|---|---|---|")
        print("\n".join(map(str, rows)))
    return 1 if any(isinstance(row, Failed) for row in rows) else 0


sys.exit(main())
