"""The result as a monitoring plug-in tells it: one line, performance data, an exit code of its own.

Source: the Monitoring Plugins Development Guidelines (monitoring-plugins.org): 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
"""

from __future__ import annotations

from .judging import Limits
from .record import Report, findings
from .text import GLYPHS, clean, counted

OK, WARNING, CRITICAL, UNKNOWN = range(4)
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
NAMED = 5  # findings in the first line; the others are in the long output


def code(report: Report, limits: Limits) -> int:
    """A finding from the limit on is CRITICAL, one that could not be decided UNKNOWN, any other finding WARNING."""
    broken = [check for check in report.checks if limits.broken(check)]
    if any(check.status != "unknown" for check in broken):
        return CRITICAL
    if broken:
        return UNKNOWN
    return WARNING if findings(report.checks) else OK


def write(report: Report, limits: Limits) -> str:
    found = findings(report.checks)
    named = ", ".join(_safe(check.id) for check in found[:NAMED]) + (", …" if len(found) > NAMED else "")
    told = f"{counted(report)}" + (f": {named}" if named else "")
    figures = " ".join(f"{status}={report.counts.get(status, 0)};;;0" for status in GLYPHS)
    first = f"TRAINSHED {WORDS[code(report, limits)]} - {told} | time={report.duration_s:.3f}s;;;0 {figures}"
    rest = [f"[{check.status}] {check.severity} {_safe(check.id)}: {_safe(check.evidence)}" for check in found]
    return "".join(line + "\n" for line in [first, *rest])


def unmade(reason: str) -> str:
    return f"TRAINSHED UNKNOWN - {_safe(reason)}\n"


def _safe(text: str) -> str:
    """`|` begins performance data."""
    return clean(text).replace("|", "/")
