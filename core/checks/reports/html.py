"""The report as one HTML file: no script, nothing fetched, readable on paper and without colours."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from ...events import CheckFinished
from .record import Report, closing, findings
from .text import GLYPHS, KINDS, change, clean, counted, evidence, legend, moment

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --warn: #9a6700; --bad: #b42318; --ask: #6639ba }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --warn: #d4a72c; --bad: #ff7b72; --ask: #b391f5 } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { margin-bottom: 0 } h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--line) }
.finding { border-left: 4px solid currentColor; padding: .1rem 1rem; margin: 1rem 0; break-inside: avoid }
.finding > * { color: CanvasText } h3 { margin: .2rem 0 }
.pass { color: var(--good) } .warn { color: var(--warn) } .fail { color: var(--bad) } .unknown { color: var(--ask) }
dl { display: grid; grid-template-columns: 6rem 1fr; gap: .15rem 1rem; margin: .3rem 0 }
dt { opacity: .7 } dd { margin: 0 }
dd, td { overflow-wrap: anywhere } code { font-family: ui-monospace, monospace }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .2rem .8rem .2rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top } thead { display: table-header-group }
tr { break-inside: avoid }
@media print { body { margin: 0; max-width: none; font-size: 10pt } h2 { break-after: avoid } }
"""


def plain(text: str) -> str:
    return html.escape(clean(text))


def write(report: Report) -> str:
    name = plain(f"Check of {report.site}" + (f", {report.vm}" if report.vm else ""))
    head = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{name}</title><style>{STYLE}</style></head><body>",
        f"<h1>{name}</h1>",
        f"<p>{moment(report.started)}, {report.duration_s:.1f} s: {counted(report)}.</p>",
    ]
    return "\n".join([*head, *_body(report), "</body></html>"]) + "\n"


def _body(report: Report) -> Iterator[str]:
    yield from _changes(report)
    found = findings(report.checks)
    yield f"<h2>Findings ({len(found)})</h2>"
    if not found:
        yield "<p>None.</p>"
    for check in found:
        yield from _finding(check)
    if told := legend(found):
        yield f"<p><small>Sources. {plain(told)}</small></p>"
    for title, below in closing(report.checks):
        yield f"<h2>{title} ({len(below)})</h2>"
        rows = [(f"<code>{plain(check.id)}</code>", plain(check.title), plain(evidence(check))) for check in below]
        yield from _table(("Check", "", "Found"), rows)


def _changes(report: Report) -> Iterator[str]:
    if report.since is None:
        return
    yield f"<h2>Changed since {moment(report.since)}</h2>"
    if not report.changes:
        yield "<p>Nothing.</p>"
        return
    yield from _table(
        ("", "Check", "", "Status"),
        [
            (KINDS[item.kind], f"<code>{plain(item.id)}</code>", plain(item.title), plain(change(item)))
            for item in report.changes
        ],
    )


def _finding(check: CheckFinished) -> Iterator[str]:
    yield f'<section class="finding {check.status}"><h3>{GLYPHS[check.status]} {plain(check.title)}</h3>'
    yield f"<p><code>{plain(check.id)}</code>, {check.severity}, {check.status}</p><dl>"
    texts = {"Found": check.evidence, "Expected": check.expected, "Fix": check.fix, "Sources": "; ".join(check.sources)}
    yield from (f"<dt>{name}</dt><dd>{plain(text)}</dd>" for name, text in texts.items() if text)
    yield "</dl></section>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "<table><thead><tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr></thead><tbody>"
    yield from ("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    yield "</tbody></table>"
