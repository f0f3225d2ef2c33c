"""Fixtures of the tests that drive the app."""

from __future__ import annotations

import asyncio

import pytest

from .stylesheets import stylesheets_are_parsed_once  # noqa: F401


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys without Textual's wait of 20 ms and more after each: until every widget has seen its messages is enough."""

    async def at_once(*_delays: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("textual.app.wait_for_idle", at_once)
    monkeypatch.setattr("textual.pilot.wait_for_idle", at_once)
