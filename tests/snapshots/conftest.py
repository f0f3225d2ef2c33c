"""Fixtures of the tests that compare pictures."""

from __future__ import annotations

from tests.tui.stylesheets import stylesheets_are_parsed_once  # noqa: F401
