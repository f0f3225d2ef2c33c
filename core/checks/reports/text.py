"""Words that several forms share. Evidence comes from a VM: no control character of it gets into a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from ...events import CheckChange, CheckFinished, Status
from .record import Report

GLYPHS: Mapping[Status, str] = {"pass": "✓", "warn": "⚠", "fail": "✗", "unknown": "?", "skipped": "–"}
KINDS: Mapping[str, str] = {"new": "new", "worse": "worse", "better": "better", "gone": "gone", "other": "changed"}

SOURCES: Mapping[str, str] = {
    "CIS": "CIS benchmark for Ubuntu 24.04 LTS",
    "DS": "dev-sec ssh-baseline",
    "LY": "Lynis",
    "MZ": "Mozilla's OpenSSH guidelines",
    "OB": "OpenSSH's release notes",
    "SA": "ssh-audit",
}


def clean(text: str) -> str:
    """One line; what cannot be printed, or turns the direction of text, is shown as U+FFFD."""
    one = " ".join(text.split())
    return one if one.isprintable() else "".join(sign if sign.isprintable() else "\ufffd" for sign in one)


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def counted(report: Report) -> str:
    return ", ".join(f"{report.counts[status]} {status}" for status in GLYPHS if report.counts.get(status)) or "nothing"


def evidence(check: CheckFinished) -> str:
    """What was found; of a finding that somebody answers for, also who, how long and why."""
    who = check.accepted
    if who is None:
        return check.evidence
    accepted = f"{who['status']}, accepted by {who['owner']} until {who['until']}: {who['reason']}"
    return f"{accepted}; found: {check.evidence}"


def change(change: CheckChange) -> str:
    """`pass → fail`, or what is known of it."""
    if change.was == change.now:
        return f"{change.now or ''}, as before"
    return f"{change.was or 'not checked'} → {change.now or 'not checked'}"


def legend(checks: Iterable[CheckFinished]) -> str:
    """What the short names of sources stand for that are in these findings; "" for none."""
    named = {word for check in checks for source in check.sources for word in source.split()[:1]}
    return "; ".join(f"{short}: {name}" for short, name in SOURCES.items() if short in named)
