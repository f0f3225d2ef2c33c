"""`trainshed check ssh` beside a shell script that reads the same, ssh-audit and Lynis."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from .delay import door
from .host import Host
from .row import Row, compared, timed

ROUND_TRIP_MS = 50
CHECK = ("check", "ssh", "--fail-on", "critical", "--fail-on-unknown", "never")
LYNIS = ["lynis", "audit", "system", "--quick", "--quiet", "--tests-from-group", "ssh,authentication"]


def rows(host: Host, script: bytes) -> list[Row]:
    """Each cold, process start included."""
    found = [
        compared(
            "`trainshed check ssh`, cold",
            lambda: timed(host.trainshed(*CHECK)),
            "`ssh HOST sh -s < script`",
            lambda: timed([*host.ssh, host.target, "sh", "-s"], script),
            goal="≤ 1.5",
        )
    ]
    with door(host.sshd.port, ROUND_TRIP_MS / 2) as port:
        site, ssh = host.site_at(port), host.ssh_at(port)
        found.append(
            compared(
                f"the same at {ROUND_TRIP_MS} ms",
                lambda: timed(host.trainshed(*CHECK, site=site)),
                "`ssh HOST sh -s < script`",
                lambda: timed([*ssh, host.target, "sh", "-s"], script),
                goal="≤ 1.5",
            )
        )
    return [*found, *map(_beside, _others(host), [host, host])]


def _others(host: Host) -> list[tuple[str, list[str] | None]]:
    """Other programs that look at a server, None where one is not on this machine."""
    audit = Path(sys.executable).with_name("ssh-audit")
    words = [str(audit), "-p", str(host.sshd.port), "--skip-rate-test", host.sshd.host]
    return [
        ("`ssh-audit` (wire alone)", words if audit.exists() else None),
        ("`lynis audit system` (ssh, authentication; on the host)", LYNIS if shutil.which("lynis") else None),
    ]


def _beside(other: tuple[str, list[str] | None], host: Host) -> Row:
    name, command = other
    if command is None or os.geteuid() != 0:
        return Row("`trainshed check ssh`, cold", [timed(host.trainshed(*CHECK))], name, [])
    words = ["sh", "-c", '"$0" "$@" || true', *command]  # both end with 1 where they have found something
    return compared("`trainshed check ssh`, cold", lambda: timed(host.trainshed(*CHECK)), name, lambda: timed(words))
