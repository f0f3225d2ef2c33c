"""The findings of a scan as SARIF 2.1.0, which editors and code hosts read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from ...events import ScanFinding
from .rules import RULES, Rule

LEVELS = {"refused": "error", "warning": "warning", "note": "note"}
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def log(found: Sequence[ScanFinding], version: str) -> dict[str, Any]:
    """One run. What is allowed is a result that is suppressed in the source, with its reason."""
    driver = {"name": "trainshed scan", "version": version, "rules": [_rule(rule) for rule in RULES]}
    results = [_result(each) for each in found]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.looks_for},
        "help": {"text": f"{rule.reason}; instead: {rule.instead}"},
        "defaultConfiguration": {"level": LEVELS[rule.level]},
        "properties": {"leak": rule.leak, "source": rule.source},
    }


def _result(each: ScanFinding) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(each.file)}}
    if each.line:
        place["region"] = {"startLine": each.line}
    result = {
        "ruleId": each.rule,
        "level": LEVELS[each.level],
        "message": {"text": f"{each.title}: {each.seen}"},
        "locations": [{"physicalLocation": place}],
    }
    if each.allowed:
        result["suppressions"] = [{"kind": "inSource", "justification": each.allowed}]
    return result
