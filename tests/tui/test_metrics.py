"""Metrics on the screen: whatever a job logs, the value is shown and the screen lives."""

from __future__ import annotations

from math import inf, nan

import pytest
from textual.app import App, ComposeResult

from core.events import Metric
from tui import words
from tui.widgets.metrics import EMPTY, MetricChart

from .walk import Walk


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield MetricChart(id="metrics")


def shown(app: App[None]) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


@pytest.mark.parametrize(
    "values", [[nan], [inf], [nan, 1.0, 2.0], [1.0, inf], [1.0, -inf, 3.0], [1.0, nan, 2.0], [1e308, -1e308]]
)
async def test_a_value_that_is_not_finite_is_text_and_ends_nothing(values: list[float]) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.query_one(MetricChart)
        assert EMPTY in shown(app)
        for step, value in enumerate(values):
            chart.add(Metric(key="loss", value=value, step=step, time=0))
            chart.draw()
            await pilot.pause()
        assert f"loss {words.number(values[-1])}" in shown(app)
    assert app.return_code in (0, None)


__all__ = ["Walk"]
