"""Metric values: none is lost, drawing them costs the same however many there are, smoothing is TensorBoard's."""

from __future__ import annotations

import math
import random
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import Metric
from tui.widgets.series import BLOCK, Blocks, Series, Smoothed, name

VALUES = st.lists(st.floats(), max_size=700)


def test_a_child_runs_metric_has_its_own_name() -> None:
    assert name(Metric(key="loss", value=1, step=0, time=0, run="abcdefgh")) == "abcdef/loss"


@given(VALUES, st.integers(BLOCK, 60), st.data())
def test_few_items_hold_every_finite_value_of_the_range_and_its_extremes(
    values: list[float], most: int, data: st.DataObject
) -> None:
    begin = data.draw(st.integers(0, len(values)))
    end = data.draw(st.integers(begin, len(values)))
    blocks = Blocks()
    for value in values:
        blocks.append(value)
    items = list(blocks.items(begin, end, most))
    assert [item.first for item in items] == sorted({item.first for item in items})
    if end - begin <= most:  # few points are given one by one
        assert [item.low for item in items] == [value for value in values[begin:end] if math.isfinite(value)]
        return
    assert len(items) <= most + BLOCK * 8
    inside = [value for value in values[begin:end] if math.isfinite(value)]
    around = [value for item in items for value in values[item.first : item.last + 1] if math.isfinite(value)]
    drawn = [item for item in items if item.low <= item.high]
    assert all(math.isfinite(bound) for item in drawn for bound in (item.low, item.high))
    assert min((item.low for item in drawn), default=None) == min(around, default=None)
    assert max((item.high for item in drawn), default=None) == max(around, default=None)
    above = min((value for value in around if value > 0), default=math.inf)
    assert min((item.positive for item in items), default=math.inf) == above
    assert set(inside) <= set(around)


def test_a_lone_peak_among_a_million_is_in_the_picture() -> None:
    blocks = Blocks()
    blocks.values = array("d")
    for step in range(100_000):
        blocks.append(1e6 if step == 77_777 else 0.5)
    items = list(blocks.items(0, 100_000, 400))
    assert len(items) <= 450
    assert [item for item in items if item.high == 1e6 and item.first <= 77_777 <= item.last]


def test_what_is_not_finite_hides_nothing_of_its_block() -> None:
    blocks = Blocks()
    for step in range(640):
        blocks.append([math.nan, math.inf, -math.inf, -1.0, 2.0][step % 5])
    assert {(item.low, item.high, item.positive) for item in blocks.items(0, 640, 20)} == {(-1.0, 2.0, 2.0)}


def test_what_is_not_finite_is_counted_and_known_since_when() -> None:
    series = Series()
    for step, value in enumerate([1.0, math.nan, 2.0, -1.0, math.inf, math.nan]):
        series.add(step, value)
    assert (series.low, series.high, series.odd, series.odd_since, series.not_positive) == (-1.0, 2.0, 3, 4, 1)
    series.add(6, 3.0)
    assert math.isnan(series.odd_since)


@pytest.mark.parametrize("step", [10**400, -(10**400), 2**63])
def test_a_step_that_no_int64_holds_ends_nothing(step: int) -> None:
    series = Series()
    series.add(step, 1.0)
    assert abs(series.steps[0]) == 2.0**63


def test_points_that_come_late_are_found_by_their_step() -> None:
    series = Series()
    for step in (0, 10, 20, 5):
        series.add(step, float(step))
    assert not series.ordered["steps"]
    assert [series.reached(series.steps, False, x) for x in (-1, 4, 5, 9, 100)] == [-1, 0, 3, 3, 2]
    assert series.between(series.steps, False, 4, 6) == (0, 4)
    ordered = Series()
    for step in range(0, 100, 10):
        ordered.add(step, 1.0)
    assert ordered.between(ordered.steps, True, 25, 45) == (2, 6), "a neighbour on each side"
    assert ordered.reached(ordered.steps, True, 29) == 2


def tensorboard(values: list[float], weight: float) -> list[float]:
    """By the sum that the recurrence stands for: weights w**k of what lies k back, made to add up to 1."""
    found = []
    for at in range(len(values)):
        weights = [weight**back for back in range(at + 1)]
        found.append(sum(w * values[at - back] for back, w in enumerate(weights)) / sum(weights))
    return found


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.sampled_from([0.0, 0.6, 0.9]), st.integers(1, 20))
def test_smoothing_is_the_corrected_moving_average_however_it_is_sliced(
    values: list[float], weight: float, slice: int
) -> None:
    smoothed = Smoothed(weight)
    while not smoothed.advance(array("d", values), slice):
        pass
    assert list(smoothed.blocks.values) == pytest.approx(tensorboard(values, weight), rel=1e-6, abs=1e-3)


def test_smoothing_begins_at_the_first_value_and_passes_what_is_not_finite() -> None:
    smoothed = Smoothed(0.9)
    assert smoothed.advance(array("d", [4.0, math.nan, 4.0, math.inf, 4.0]), 99)
    found = list(smoothed.blocks.values)
    assert [found[0], found[2], found[4]] == pytest.approx([4.0] * 3), "without the correction it would begin at 0.4"
    assert math.isnan(found[1]) and found[3] == math.inf


def test_a_million_points_take_little_memory() -> None:
    series = Series()
    for step in range(50_000):
        series.add(step, random.random(), step)
    levels = sum(len(level) * level.itemsize for three in series.blocks._levels for level in three)
    arrays = sum(len(one) * one.itemsize for one in (series.steps, series.times, series.values))
    assert (arrays + levels) / len(series) < 28, "bytes a point"
