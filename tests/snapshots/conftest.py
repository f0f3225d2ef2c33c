"""Fixtures of the tests that compare pictures."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from tests.tui.stylesheets import stylesheets_are_parsed_once  # noqa: F401


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor stands still: a slow machine would take a picture between two blinks."""
    monkeypatch.setattr(Input, "cursor_blink", False)
