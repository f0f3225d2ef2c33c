"""The text of a scan: findings by level, what was allowed, what would travel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from core import events

from .output import Output
from .text import printable, table
from .words import duration, plural, size

LEVELS = {"refused": ("✗", "bad"), "warning": ("⚠", "warning"), "note": ("·", "quiet")}
LEAKS = {"Net": "network", "Out": "what leaves", "Res": "stays behind", "Side": "hidden"}
LARGEST = 5  # files that are named without --files
PROMISE = "a scan informs and never protects: what a job can reach, its sandbox decides"


def document(found: Sequence[events.ScanFinding], ended: events.ScanFinished) -> dict[str, Any]:
    """As JSON, without the schema's number."""
    values = {key: value for key, value in events.plain(ended).items() if key != "event"}
    findings = [{key: value for key, value in events.plain(each).items() if key != "event"} for each in found]
    return {**values, "findings": findings}


def report(
    found: Sequence[events.ScanFinding], ended: events.ScanFinished, output: Output, *, files: bool
) -> Iterator[str]:
    """The worst first, a line each; below it what to know of each rule that was found, once."""
    for level, (glyph, style) in LEVELS.items():
        of_level = [each for each in found if each.level == level and not each.allowed]
        if of_level:
            word = f"{glyph} {level}" if output.glyphs else level
            yield output.style(style, f"{word}  {len(of_level)}")
            yield from (f"  {line}" for line in _rows(of_level))
            yield from _explained(of_level, output)
            yield ""
    allowed = [each for each in found if each.allowed]
    if allowed:
        yield output.style("strong", f"allowed  {len(allowed)}")
        yield from (f"  {line}" for line in table(*_allowed(allowed)))
        yield ""
    yield from _travels(ended, output, files)
    yield output.style("strong", _counted(ended))
    yield output.style("quiet", PROMISE)


def place(each: events.ScanFinding) -> str:
    """`file:line`, whatever the file's name holds."""
    return printable(each.file) + (f":{each.line}" if each.line else "")


def _rows(found: Sequence[events.ScanFinding]) -> list[str]:
    rows = [(place(each), each.rule, each.title, each.seen) for each in found]
    return table(("PLACE", "RULE", "WHAT", "SEEN"), rows)


def _allowed(found: Sequence[events.ScanFinding]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    return ("PLACE", "RULE", "SEEN", "BECAUSE"), [(place(each), each.rule, each.seen, each.allowed) for each in found]


def _explained(found: Sequence[events.ScanFinding], output: Output) -> Iterator[str]:
    for rule in dict.fromkeys(each.rule for each in found):
        one = next(each for each in found if each.rule == rule)
        source = f" ({one.source})" if one.source else ""
        yield output.style("quiet", f"  {rule}, {LEAKS[one.leak]}: {one.reason}; instead: {one.instead}{source}")


def _travels(ended: events.ScanFinished, output: Output, every: bool) -> Iterator[str]:
    if ended.kind == "file" or not ended.files:
        return
    ignore = f"; left behind by {', '.join(map(printable, ended.ignore_files[:3]))}" if ended.ignore_files else ""
    more = "" if every or len(ended.files) <= LARGEST else f", the {LARGEST} largest of them (--files lists all)"
    yield output.style("strong", f"would travel  {plural(len(ended.files), 'file')}, {size(ended.bytes)}{more}{ignore}")
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


def rules(output: Output) -> None:
    """The table of rules."""
    from core.jobs.scan.rules import RULES

    if output.json:
        output.document({"rules": [msgspec.to_builtins(rule) for rule in RULES]})
        return
    rows = [(rule.id, rule.leak, rule.level, rule.looks_for) for rule in RULES]
    output.lines(table(("RULE", "LEAK", "LEVEL", "LOOKS FOR"), rows))
