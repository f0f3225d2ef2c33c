"""The last result of each VM's checks, kept on the client (0600), so that the next one says what changed."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from ...site import atomic, paths
from .changes import made
from .record import LARGEST, Report, document, parse


def path(site: str, vm: str) -> Path:
    return paths.state(site) / "checks" / f"{vm}.json"


def load(site: str, vm: str) -> Report | None:
    """None where there is none, or none that can be read: then nothing is said about changes."""
    try:
        file = path(site, vm)
        if file.stat().st_size > LARGEST:
            return None
        return parse(file.read_bytes())
    except (OSError, msgspec.MsgspecError, RecursionError, ValueError):
        return None


def save(report: Report, before: Report | None) -> None:
    """Checks that were not made now stay as they were: of other groups, and behind a broken link. Raises OSError."""
    groups = {check.group for check in report.checks}
    old = {check.id: check for check in before.checks} if before else {}
    now = [check if made(check) else old.get(check.id, check) for check in report.checks]
    kept = [check for check in old.values() if check.group not in groups]
    whole = msgspec.structs.replace(report, checks=[*now, *kept], since=None, changes=[])
    atomic.write(path(report.site, report.vm), json.dumps({"schema": 1, **document(whole)}))
