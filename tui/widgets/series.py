"""Metric values as they arrive, and as few points as a plot can show."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from core.events import Metric

HIGHEST = 1e100  # textual-plot multiplies: larger ones overflow


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
        finite = [value for value in self.values if math.isfinite(value)]
        return (min(finite), max(finite)) if finite else (0.0, 0.0)


def name(metric: Metric) -> str:
    return f"{metric.run[:6]}/{metric.key}" if metric.run else metric.key


def thinned(series: Series, columns: int) -> tuple[list[float], list[float]]:
    """At most two points a column: the smallest and the largest value, in the order they came.

    Peaks stay visible, which taking every n-th point would lose. What is not finite, or is
    beyond HIGHEST, has no place on a plot and is left out; nothing may be left.
    """
    points = [at for at, value in enumerate(series.values) if abs(value) <= HIGHEST]  # NaN is not
    if len(points) > 2 * columns and columns >= 1:
        points = _extremes(points, series.values, columns)
    return [series.steps[at] for at in points], [series.values[at] for at in points]


def _extremes(points: list[int], values: list[float], columns: int) -> list[int]:
    kept: list[int] = []
    for column in range(columns):
        part = points[column * len(points) // columns : (column + 1) * len(points) // columns]
        kept += sorted({min(part, key=values.__getitem__), max(part, key=values.__getitem__)})
    return kept
