"""The last result of each VM's checks, kept on the client (0600), so that the next one says what changed."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from ...site import atomic, paths
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
    """Checks of a group that was not asked for now stay as they were. Raises OSError."""
    groups = {check.group for check in report.checks}
    kept = [check for check in before.checks if check.group not in groups] if before else []
    whole = msgspec.structs.replace(report, checks=[*report.checks, *kept], since=None, changes=[])
    atomic.write(path(report.site, report.vm), json.dumps({"schema": 1, **document(whole)}))
