"""The findings of a scan as SARIF 2.1.0, which editors and code hosts read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...events import ScanFinding
from .rules import RULES, Rule

LEVELS = {"refused": "error", "warning": "warning", "note": "note"}
_CODE = "CODE"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def log(found: Sequence[ScanFinding], version: str, folder: str = "") -> dict[str, Any]:
    """One run. What is allowed is a result that is suppressed in the source, with its reason.

    `folder`: of the code, absolute; files that are in it are told relative to it.
    """
    driver = {"name": "trainshed scan", "version": version, "rules": [_rule(rule) for rule in RULES]}
    run: dict[str, Any] = {"tool": {"driver": driver}, "results": [_result(each, folder) for each in found]}
    if folder:
        run["originalUriBaseIds"] = {_CODE: {"uri": f"{Path(folder).as_uri()}/"}}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.looks_for},
        "help": {"text": f"{rule.reason}; instead: {rule.instead}"},
        "defaultConfiguration": {"level": LEVELS[rule.level]},
        "properties": {"leak": rule.leak, "source": rule.source},
    }


def _artifact(file: str, folder: str) -> dict[str, str]:
    if Path(file).is_absolute():
        return {"uri": Path(file).as_uri()}
    inside = folder and os.path.lexists(f"{folder}/{file}")
    return {"uri": quote(file), **({"uriBaseId": _CODE} if inside else {})}


def _result(each: ScanFinding, folder: str) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(each.file, folder)}
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
