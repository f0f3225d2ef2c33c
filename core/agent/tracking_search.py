"""MLflow's search strings, over the few runs and models of one job: `metrics.loss < 0.5 AND tags.a = 'b'`."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Tuple

from .tracking_rules import integer, invalid

_KEY = r"(?:`[^`]+`|\"[^\"]+\"|[\w.\-/]+)"
_VALUE = r"(?:'[^']*'|\"[^\"]*\"|\([^)]*\)|[^\s]+)"
_CLAUSE = re.compile(
    r"\s*(?P<key>(?:\w+\.)?%s)\s*(?P<how>!=|>=|<=|=|>|<|NOT\s+IN\b|IN\b|LIKE\b|ILIKE\b)\s*(?P<value>%s)\s*"
    % (_KEY, _VALUE),
    re.IGNORECASE,
)
FILTER_BYTES = 10_000
FILTER_CLAUSES = 100
_AND = re.compile(r"AND\s+", re.IGNORECASE)
_GROUPS = {
    "metric": "metrics",
    "metrics": "metrics",
    "param": "params",
    "params": "params",
    "parameter": "params",
    "parameters": "params",
    "tag": "tags",
    "tags": "tags",
    "attribute": "attributes",
    "attributes": "attributes",
    "attr": "attributes",
    "run": "attributes",
}

Fields = Dict[str, Dict[str, Any]]  # group -> key -> value
Test = Callable[[Fields], bool]


def search(items: List[Any], fields: Callable[[Any], Fields], asked: Any) -> Tuple[List[Any], str]:
    """(the page, the next page's token or ""). `asked`: the request with filter, order_by, max_results, page_token."""
    tests = clauses(str(asked.get("filter") or ""))
    found = [item for item in items if all(test(fields(item)) for test in tests)]
    for order in reversed(asked.list("order_by")):
        _sort(found, fields, order)
    start = integer(asked.get("page_token") or 0, "page_token")
    count = integer(asked.get("max_results") or 1000, "max_results")
    if count < 1 or start < 0:
        raise invalid("Invalid value for parameter 'max_results' or 'page_token'")
    more = start + count < len(found)
    return found[start : start + count], str(start + count) if more else ""


def _sort(found: List[Any], fields: Callable[[Any], Fields], order: Any) -> None:
    if isinstance(order, dict):
        key, descending = str(order.get("field_name")), order.get("ascending") in (False, "false")
    else:
        words = str(order).split()
        key, descending = words[0] if words else "", words[-1:] in (["DESC"], ["desc"])
    group, name = _place(key)

    def rank(item: Any) -> Tuple[bool, Any]:
        value = fields(item).get(group, {}).get(name)
        missing = value is None or value != value
        return (missing != descending, 0 if missing else value)  # what has no value comes last

    try:
        found.sort(key=rank, reverse=descending)
    except TypeError:
        raise invalid("Invalid order_by clause '%s'" % key)


def _place(key: str) -> Tuple[str, str]:
    group, dot, rest = key.partition(".")
    if dot and group.lower() in _GROUPS:
        return _GROUPS[group.lower()], rest.strip('`"')
    name = key.strip('`"')
    return "attributes", {"created": "start_time", "Created": "start_time"}.get(name, name)


def clauses(text: str) -> List[Test]:
    """Raises Refused for what MLflow's grammar, or this part of it, does not know."""
    if len(text.encode("utf-8", "replace")) > FILTER_BYTES:
        raise invalid("Invalid filter: more than %d bytes" % FILTER_BYTES)
    found: List[Test] = []
    position = 0
    while position < len(text.rstrip()):
        match = _CLAUSE.match(text, position)
        if match is None:
            raise invalid("Invalid filter '%s'" % text)
        found.append(_test(match.group("key"), re.sub(r"\s+", " ", match.group("how")).upper(), match.group("value")))
        position = match.end()
        joined = _AND.match(text, position)
        if joined is None and position < len(text.rstrip()):
            raise invalid("Invalid filter '%s': only AND joins clauses" % text)
        position = joined.end() if joined else position
        if len(found) > FILTER_CLAUSES:
            raise invalid("Invalid filter: more than %d clauses" % FILTER_CLAUSES)
    return found


def _test(key: str, how: str, written: str) -> Test:
    group, name = _place(key)
    value = _literal(written)
    if how in ("IN", "NOT IN"):
        members = {_literal(item.strip()) for item in written.strip("()").split(",") if item.strip()}
        return lambda fields: (fields.get(group, {}).get(name) in members) == (how == "IN")
    if how in ("LIKE", "ILIKE"):
        fold: Callable[[str], str] = str.casefold if how == "ILIKE" else str
        matches = like(fold(written[1:-1] if written[:1] in ("'", '"') else written))
        return lambda fields: matches(fold(str(fields.get(group, {}).get(name, ""))))
    return lambda fields: _compare(fields.get(group, {}).get(name), how, value)


def like(pattern: str) -> Callable[[str], bool]:
    """SQL's LIKE (`%`: any text, `_`: one character), in a time that no pattern makes long: a job writes them."""
    if "_" in pattern:
        return _wild(pattern)
    first, *rest = pattern.split("%")
    if not rest:
        return lambda text: text == pattern
    *middle, last = rest

    def matches(text: str) -> bool:
        if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
            return False
        at, end = len(first), len(text) - len(last)
        for part in middle:
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return matches


def _wild(pattern: str) -> Callable[[str], bool]:
    """All places of the pattern that the text can be at are the bits of one number (shift-and, Baeza-Yates 1992)."""
    places: Dict[str, int] = {}
    anything = stays = length = 0
    for letter in pattern:
        if letter == "%":
            stays |= 1 << length
            continue
        if letter == "_":
            anything |= 1 << length
        else:
            places[letter] = places.get(letter, 0) | 1 << length
        length += 1

    def matches(text: str) -> bool:
        at = 1
        for letter in text:
            at = ((at & (places.get(letter, 0) | anything)) << 1) | (at & stays)
            if not at:
                return False
        return bool(at >> length & 1)

    return matches


def _literal(written: str) -> Any:
    if written[:1] in ("'", '"'):
        return written[1:-1]
    try:
        return float(written)
    except ValueError:
        return written


def _compare(have: Any, how: str, wanted: Any) -> bool:
    if have is None:
        return False
    if isinstance(have, (int, float)) != isinstance(wanted, (int, float)):
        have, wanted = str(have), str(wanted)
    if how in ("=", "!="):
        return bool(have == wanted) == (how == "=")
    return bool({">": have > wanted, ">=": have >= wanted, "<": have < wanted, "<=": have <= wanted}[how])
