"""Metric values as they arrive, and as few points as a plot can show."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.events import Metric


@dataclass
class Series:
    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, step: float, value: float) -> None:
        self.steps.append(step)
        self.values.append(value)

    @property
    def last(self) -> float:
        return self.values[-1]

    @property
    def best(self) -> tuple[float, float]:
        """(smallest, largest)."""
        finite = [value for value in self.values if value - value == 0]
        return (min(finite), max(finite)) if finite else (0.0, 0.0)


def name(metric: Metric) -> str:
    return f"{metric.run[:6]}/{metric.key}" if metric.run else metric.key


def thinned(series: Series, columns: int) -> tuple[list[float], list[float]]:
    """At most two points a column: the smallest and the largest value, in the order they came.

    Peaks stay visible, which taking every n-th point would lose.
    """
    count = len(series.values)
    if count <= 2 * columns or columns < 1:
        return series.steps, series.values
    xs: list[float] = []
    ys: list[float] = []
    for column in range(columns):
        begin, end = column * count // columns, (column + 1) * count // columns
        part = range(begin, end)
        low = min(part, key=series.values.__getitem__)
        high = max(part, key=series.values.__getitem__)
        for at in sorted({low, high}):
            xs.append(series.steps[at])
            ys.append(series.values[at])
    return xs, ys
