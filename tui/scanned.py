"""The text of a scan: findings by level, what was allowed, what would travel."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from core import events

from .output import Output
from .text import printable, table
from .words import duration, plural, size

LEVELS = {"refused": ("✗", "bad"), "warning": ("⚠", "warning"), "note": ("·", "quiet")}
LEAKS = {"Net": "network", "Out": "what leaves", "Res": "stays behind", "Side": "hidden"}
WIDEST = 40  # characters of a column
LARGEST = 5  # files that are named without --files
ALLOWING = "what is meant to be there is allowed on its line or the one above: # trainshed: allow RULE because REASON"
PROMISE = "a scan informs and never protects: what a job can reach, its sandbox decides"


def document(found: Sequence[events.ScanFinding], ended: events.ScanFinished) -> dict[str, Any]:
    """As JSON, without the schema's number."""
    values = {key: value for key, value in events.plain(ended).items() if key != "event"}
    findings = [{key: value for key, value in events.plain(each).items() if key != "event"} for each in found]
    return {**values, "findings": findings}


def report(
    found: Sequence[events.ScanFinding], ended: events.ScanFinished, output: Output, *, files: bool
) -> Iterator[str]:
    """The worst level first; in it one paragraph for each rule: why, where, and what to do instead."""
    for level, (glyph, style) in LEVELS.items():
        of_level = [each for each in found if each.level == level and not each.allowed]
        if of_level:
            word = f"{glyph} {level}" if output.glyphs else level
            yield output.style(style, f"{word}  {len(of_level)}")
            for rule in dict.fromkeys(each.rule for each in of_level):
                yield from _paragraph([each for each in of_level if each.rule == rule], output)
            yield ""
    allowed = [each for each in found if each.allowed]
    if allowed:
        yield output.style("strong", f"allowed  {len(allowed)}")
        rows = [(place(each), each.rule, f"because {each.allowed}") for each in allowed]
        yield from (f"  {line}" for line in _aligned(rows))
        yield ""
    yield from _travels(ended, output, files)
    yield output.style("strong", _counted(ended))
    if any(each.line and not each.allowed for each in found):
        yield output.style("quiet", ALLOWING)
    yield output.style("quiet", PROMISE)


def place(each: events.ScanFinding) -> str:
    """`file:line`, whatever the file's name holds."""
    return printable(each.file) + (f":{each.line}" if each.line else "")


def _paragraph(found: Sequence[events.ScanFinding], output: Output) -> Iterator[str]:
    one = found[0]
    yield f"  {output.style('strong', one.rule)}: {one.title} ({LEAKS[one.leak]}); {one.reason}"
    yield from (f"    {line}" for line in _aligned([(place(each), each.seen) for each in found]))
    yield output.style("quiet", f"    instead: {one.instead}" + (f"  [{one.source}]" if one.source else ""))


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns, as wide as they have to be up to a limit; the last one has none."""
    widths = [min(WIDEST, max(len(row[column]) for row in rows)) for column in range(len(rows[0]) - 1)]
    for row in rows:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), printable(row[-1])])


def _travels(ended: events.ScanFinished, output: Output, every: bool) -> Iterator[str]:
    if ended.kind == "file":
        return
    if not ended.files and ended.counts["refused"]:
        return  # too much to be listed
    if not ended.files:
        yield from (output.style("strong", "would travel  nothing"), "")
        return
    ignore = f"; left behind by {', '.join(map(printable, ended.ignore_files[:3]))}" if ended.ignore_files else ""
    more = "" if every or len(ended.files) <= LARGEST else f", the {LARGEST} largest of them (--files lists all)"
    yield output.style("strong", f"would travel  {plural(len(ended.files), 'file')}, {size(ended.bytes)}{more}{ignore}")
    if ended.kind == "job" and ended.folder:
        yield f"  from {printable(ended.folder)}, and paths above are as in it"
    shown = sorted(ended.files, key=lambda each: -each.bytes)[:LARGEST] if more else ended.files
    rows = [(each.path, f"link to {each.link}" if each.link is not None else size(each.bytes)) for each in shown]
    yield from (f"  {line}" for line in table(("FILE", "SIZE"), rows))
    yield ""


def _counted(ended: events.ScanFinished) -> str:
    words = {"refused": "refused", "warning": "warning", "note": "note", "allowed": "allowed"}
    said = [
        plural(count, words[key]) if key in ("warning", "note") else f"{count} {words[key]}"
        for key, count in ended.counts.items()
        if count
    ]
    return f"{', '.join(said) or 'nothing found'} in {duration(ended.duration_s)}"


def sarif(found: Sequence[events.ScanFinding], ended: events.ScanFinished, output: Output) -> None:
    """As SARIF, on one line."""
    from importlib.metadata import version

    from core.jobs.scan.sarif import log

    output.lines([json.dumps(log(found, version("trainshed"), ended.folder))])


def rules(output: Output) -> None:
    """The table of rules."""
    from core.jobs.scan.rules import RULES

    if output.json:
        output.document({"rules": [msgspec.to_builtins(rule) for rule in RULES]})
        return
    rows = [(rule.id, rule.leak, rule.level, rule.looks_for) for rule in RULES]
    output.lines(table(("RULE", "LEAK", "LEVEL", "LOOKS FOR"), rows))
