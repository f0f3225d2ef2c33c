"""The report in Markdown (GitHub's, for its tables)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...events import CheckFinished
from .record import Report, closing, findings
from .text import GLYPHS, KINDS, change, clean, counted, evidence, legend, moment

MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def plain(text: str) -> str:
    """Text that Markdown takes for nothing else."""
    return MARKUP.sub(r"\\\1", clean(text))


def write(report: Report) -> str:
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# Check of {plain(report.site)}" + (f", {plain(report.vm)}" if report.vm else "")
    yield ""
    yield f"{moment(report.started)}, {report.duration_s:.1f} s: {counted(report)}."
    yield from _changes(report)
    found = findings(report.checks)
    yield from ("", f"## Findings ({len(found)})")
    if not found:
        yield from ("", "None.")
    for check in found:
        yield from _finding(check)
    if told := legend(found):
        yield from ("", f"Sources. {plain(told)}")
    yield from _rest(report.checks)


def _changes(report: Report) -> Iterator[str]:
    if report.since is None:
        return
    yield from ("", f"## Changed since {moment(report.since)}", "")
    if not report.changes:
        yield "Nothing."
        return
    rows = [(KINDS[item.kind], item.id, plain(item.title), change(item)) for item in report.changes]
    yield from _table(("", "Check", "", "Status"), rows)


def _finding(check: CheckFinished) -> Iterator[str]:
    yield from ("", f"### {GLYPHS[check.status]} {check.severity}: {plain(check.title)}", "")
    rows = [("check", f"{check.id} ({check.status})"), ("found", plain(check.evidence))]
    rows += [("expected", plain(check.expected)), ("fix", plain(check.fix))]
    rows += [("sources", plain("; ".join(check.sources)))]
    yield from (f"- **{name}**: {text}" for name, text in rows if text)


def _rest(checks: Sequence[CheckFinished]) -> Iterator[str]:
    for title, below in closing(checks):
        yield from ("", f"## {title} ({len(below)})", "")
        rows = [(check.id, plain(check.title), plain(evidence(check))) for check in below]
        yield from _table(("Check", "", "Found"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
