"""`# trainshed: allow RULE because REASON`: a finding that somebody answers for, on its line or the one above.

Of a file that has no lines, the allowance is in an ignore file: `# trainshed: allow data-file labels.csv because …`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from .found import Found
from .rules import BY_ID

_FORM = re.compile(
    r"#\s*trainshed:\s*allow\b[ \t]*(?P<rules>[\w-]+(?:[ \t]*,[ \t]*[\w-]+)*)?[ \t]*(?P<path>(?!because\b)[^\s#]+)?"
    r"(?:[ \t]*because\b[ \t:]*(?P<reason>[^\r\n]*))?"
)
LONGEST_REASON = 200


class Allowance(NamedTuple):
    rules: frozenset[str]
    path: str  # a pattern, "" for the line
    line: int
    reason: str  # "": it does not count
    alone: bool = True  # nothing else is on its line: then it is for the next one


def of_text(text: str) -> list[Allowance]:
    if "trainshed:" not in text:
        return []
    found = []
    for match in _FORM.finditer(text):
        rules = re.findall(r"[\w-]+", match["rules"] or "")
        if "because" in rules:  # no rule was named
            rules = []
        reason = " ".join((match["reason"] or "").split())[:LONGEST_REASON]
        line = text.count("\n", 0, match.start()) + 1
        alone = not text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip()
        found.append(Allowance(frozenset(rules), match["path"] or "", line, reason, alone))
    return found


def wrong(allowances: Iterable[Allowance]) -> Iterator[Found]:
    """Those that do not count, and why."""
    for each in allowances:
        unknown = sorted(each.rules - BY_ID.keys())
        if not each.rules:
            yield Found("allowance", each.line, "it names no rule")
        elif unknown:
            near = difflib.get_close_matches(unknown[0], BY_ID, 1, 0.7)
            yield Found(
                "allowance", each.line, f"there is no rule {unknown[0]}" + (f", {near[0]} is one" if near else "")
            )
        elif not each.reason:
            yield Found("allowance", each.line, "it gives no reason")


def reason(found: Found, allowances: Iterable[Allowance], path: str = "") -> str:
    """ "" where nobody allows it. `path`: those of an ignore file are meant, for this file."""
    for each in allowances:
        if not each.reason or found.rule not in each.rules:
            continue
        if path:
            if each.path and (fnmatchcase(path, each.path.strip("/")) or path == each.path):
                return each.reason
        elif found.line and found.line - each.alone <= each.line <= max(found.line, found.last):
            return each.reason
    return ""
