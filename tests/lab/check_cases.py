"""The table of checks: on which host each fails, passes and is unknown. `python -m tests.lab.check_cases` prints it.

The hosts are those of test_check_table.py: real servers of OpenSSH, real logins and agents, files below a folder.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from core.events import CheckFinished

KEPT = "trainshed-check-table.json"


class Case(NamedTuple):
    fails: str = "weak"
    passes: str = "strong"
    unknown: str = "hidden"


WIRE = Case(unknown="no wire")
OLD = Case(fails="old offer", unknown="no wire")
CASES: Mapping[str, Case] = {
    "host-key-known": Case(fails="another pin", unknown="no wire"),
    "root-login": Case(passes="strong, no root"),
    "empty-passwords": Case(),
    "password-auth": Case(),
    "kbd-interactive": Case(),
    "pw-hash": Case(),
    "pw-quality-module": Case(),
    "pw-length": Case(),
    "pw-complexity": Case(),
    "pw-this-account": Case(),
    "faillock": Case(),
    "bruteforce-guard": Case(),
    "terrapin": OLD,
    "regresshion": Case(),
    "openssh-2025": Case(),
    "openssh-2026": Case(),
    "host-key-leak-kernel": Case(passes="fixed kernel"),
    "xz-backdoor": Case(),
    "agent-cve": Case(),
    "kex-weak": WIRE._replace(unknown="strange offer"),
    "kex-pq": WIRE,
    "kex-nistp": WIRE,
    "gex-moduli": Case(),
    "hostkey-alg": WIRE._replace(unknown="strange offer"),
    "rsa-hostkey-size": Case(),
    "cipher-weak": WIRE._replace(unknown="strange offer"),
    "cipher-order": WIRE,
    "mac-weak": WIRE._replace(unknown="strange offer"),
    "compression-preauth": OLD,
    "protocol-1": OLD,
    "dheat": Case(),
    "banner-leak": WIRE,
    "sshd-config-perm": Case(),
    "hostkey-perm": Case(),
    "ssh-dir-perm": Case(),
    "strictmodes": Case(),
    "authorized-keys-content": Case(),
    "requiredrsasize": Case(),
    "pubkey-auth": Case(),
    "user-allow-list": Case(),
    "authmethods": Case(),
    "maxauthtries": Case(),
    "logingracetime": Case(),
    "maxstartups": Case(),
    "maxsessions": Case(),
    "clientalive": Case(),
    "forwarding-agent": Case(),
    "forwarding-tcp": Case(),
    "tunnel-x11-gateway": Case(),
    "user-env": Case(),
    "hostbased-gssapi": Case(),
    "usepam": Case(fails="weak, no PAM"),
    "logging": Case(),
    "listen-scope": Case(),
    "other-listeners": Case(),
    "docker-group": Case(fails="in docker's group", passes="hidden", unknown="no such account"),
    "updates-time": Case(),
}
ELSEWHERE = {"docker": "tests/lab/test_docker.py, with a dockerd of its own"}

Found = Mapping[str, Mapping[str, CheckFinished]]  # host -> check -> finding


def kept() -> Path:
    """Where the last run of the test leaves what it found."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / KEPT


def keep(found: Found) -> None:
    rows = {
        id: {
            wanted: [host, found[host][id].status, found[host][id].evidence] for wanted, host in case._asdict().items()
        }
        for id, case in CASES.items()
    }
    kept().write_text(json.dumps(rows, indent=1))


def show() -> str:
    """The table in Markdown, of the last run."""
    lines = ["| check | fails | passes | unknown |", "|---|---|---|---|"]
    for id, row in json.loads(kept().read_text()).items():
        cells = [f"**{status}** on {host}: {evidence[:110]}" for host, status, evidence in row.values()]
        lines.append("| " + " | ".join([id, *(cell.replace("|", "\\|") for cell in cells)]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(show() + "\n")
