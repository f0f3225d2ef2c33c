"""Metrics on the screen: whatever a job logs, the value is shown and the screen lives."""

from __future__ import annotations

from math import inf, nan

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from core.events import Metric
from tui import words
from tui.widgets.metrics import MetricChart
from tui.widgets.series import Series, thinned


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield MetricChart(id="metrics")


@pytest.mark.parametrize(
    "values", [[nan], [inf], [nan, 1.0, 2.0], [1.0, inf], [1.0, -inf, 3.0], [1.0, nan, 2.0], [1e308, -1e308]]
)
async def test_a_value_that_is_not_finite_is_text_and_ends_nothing(values: list[float]) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.query_one(MetricChart)
        for step, value in enumerate(values):
            chart.add(Metric(key="loss", value=value, step=step, time=0))
            await chart.draw()
            await pilot.pause()
        assert words.number(values[-1]) in str(app.query_one("#values", Static).content)
    assert app.return_code in (0, None)


@pytest.mark.parametrize("columns", [1, 40])
def test_only_finite_values_are_plotted(columns: int) -> None:
    series = Series(steps=[0, 1, 2, 3, 4], values=[nan, 1.0, inf, -inf, 2.0])
    assert thinned(series, columns) == ([1, 4], [1.0, 2.0])
    assert thinned(Series(steps=[0], values=[nan]), columns) == ([], [])
