"""Textual parses the style sheets of every app that starts: here once a process for each set of colours."""

from __future__ import annotations

from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

PARSE = Stylesheet._parse_rules
_parsed: dict[object, list[RuleSet]] = {}


def _parse_rules(sheet: Stylesheet, *args: Any, **options: Any) -> list[RuleSet]:
    """Rules are only read once they are made, as Textual keeps them itself, for each app."""
    key = (args, tuple(sorted(options.items())), tuple(sheet._variables.items()))
    if key not in _parsed:
        _parsed[key] = PARSE(sheet, *args, **options)
    return _parsed[key]


@pytest.fixture(autouse=True)
def stylesheets_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stylesheet, "_parse_rules", _parse_rules)
