"""Plots in characters: what is drawn is where it belongs, and nothing that a job logs ends the program."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui import words
from tui.widgets import braille
from tui.widgets.metric_board import EARLIER, MARKS, Board, Metrics
from tui.widgets.metric_view import View
from tui.widgets.plot import Curve, Plot, Row, Scale
from tui.widgets.series import Series, Smoothed

ANY = st.lists(st.tuples(st.integers(-(2**63), 2**63), st.floats()), max_size=60)


def series(values: list[float], begin: int = 0) -> Series:
    made = Series()
    for step, value in enumerate(values, begin):
        made.add(step, value, 1_000.0 + step)
    return made


def run(**values: list[float]) -> Metrics:
    made = Metrics()
    for key, logged in values.items():
        for step, value in enumerate(logged):
            made.add(key, step, value, 1_000.0 + step)
    return made


def text(rows: list[Row]) -> list[str]:
    return ["".join(part for part, _ in row) for row in rows]


def drawn(board: Board, width: int = 60, height: int = 12) -> str:
    return "\n".join("\n".join(text(rows)) for band in board.bands(width, height) for _, rows in band)


def board(now: Metrics, view: View | None = None, earlier: Metrics | None = None, **more: bool) -> Board:
    smoothed: dict[int, Smoothed] = {}

    def smooth(given: Series) -> object:
        if view is None or not view.weight:
            return None
        made = smoothed.setdefault(id(given), Smoothed(view.weight))
        made.advance(given.values, 10**6)
        return made.blocks

    keys = list(now.series)
    return Board(now, earlier or Metrics(), view or View(), keys, keys[0], smooth, **more)  # type: ignore[arg-type]


def plot(curve: Curve, *, log: bool = False) -> list[str]:
    low, high = curve.reach()
    made = Plot([curve], Scale(low, high), lambda x: f"{x:.0f}", "", log)
    return text(made.rows(30, 8, 8, below=False))


def test_a_rising_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    one = series([float(value) for value in range(21)])
    rows = plot(Curve(one, one.blocks, 0))
    dots = [(x, y) for y, row in enumerate(rows) for x, char in enumerate(row[9:]) if char > "\u2800"]
    assert min(dots) == (0, 7) and max(dots) == (20, 0)
    assert [x for x, _ in sorted(dots)] == sorted([*range(21), *(x for x, _ in dots)][21:]), "every column has some"
    assert {x for x, _ in dots} == set(range(21))
    assert rows[0].startswith("      20│") and rows[7].startswith("       0│")


def test_points_far_apart_are_joined_by_a_straight_line() -> None:
    one = series([0.0])
    one.add(40, 40.0)
    rows = plot(Curve(one, one.blocks, 0))
    dots = {x: y for y, row in enumerate(rows) for x, char in enumerate(row[9:]) if char > "\u2800"}
    assert sorted(dots) == list(range(21)) and dots[10] in (3, 4)


def test_one_peak_among_many_points_is_drawn() -> None:
    one = series([100.0 if step == 5_000 else 0.0 for step in range(20_000)])
    rows = plot(Curve(one, one.blocks, 0))
    assert any(char > "\u2800" for char in rows[0][9:])


def test_a_log_scale_shows_decades_alike_and_leaves_out_what_has_no_place() -> None:
    one = series([0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 0.0, -5.0])
    rows = plot(Curve(one, one.blocks, 0), log=True)
    assert rows[0].startswith("    1000│") and rows[7].startswith("   0.001│")
    middle = float(rows[4][:8])
    assert 0.3 < middle < 1.0, "the middle of the decades, not of the values"
    none = series([0.0, -1.0])
    assert "no value above 0" in "\n".join(plot(Curve(none, none.blocks, 0), log=True))


@given(ANY, st.booleans(), st.booleans(), st.sampled_from(["step", "time", "clock"]), st.sampled_from([0.0, 0.9]))
def test_whatever_is_logged_is_drawn_within_its_room(
    logged: list[tuple[int, float]], log: bool, together: bool, axis: str, weight: float
) -> None:
    now = Metrics()
    for step, value in logged:
        now.add("loss", step, value, value)
        now.add("time", step, 1.0, value)
        now.add("other", -step, value, 5.0)
    if not logged:
        now.add("loss", 0, math.nan, 0.0)
    seen = board(now, View(axis, log, weight, together))
    for width, height in ((12, 3), (40, 1), (40, 2), (40, 6), (90, 14)):
        bands = [list(band) for band in seen.bands(width, height)]
        assert sum(max(len(rows) for _, rows in band) for band in bands) == height
        for band in bands:
            assert sum(cells for cells, _ in band) == width
            for cells, rows in band:
                assert all(len(row) <= max(cells, 10) for row in text(rows) if "│" in row)


def test_curves_in_one_cell_keep_the_dots_of_both_and_a_faint_one_gives_way() -> None:
    flat, low = braille.Line({0: (3, 3), 1: (3, 3)}, 0), braille.Line({0: (0, 0), 1: (0, 0)}, 1)
    ((cell,),) = braille.cells([flat, low], 1, 1)
    assert cell == (chr(0x2800 + 0x01 + 0x08 + 0x40 + 0x80), 1)
    faint = braille.Line({0: (0, 3), 1: (0, 3)}, 2, faint=True)
    ((cell,),) = braille.cells([faint, flat], 1, 1)
    assert cell == (chr(0x2800 + 0x01 + 0x08), 0)


def test_two_curves_differ_without_colour_and_an_earlier_run_is_dashed() -> None:
    now, before = run(a=[1.0] * 200, b=[2.0] * 200), run(a=[1.5] * 200)
    seen = drawn(board(now, View(together=True), before), 90, 14)
    heads = seen.split("\n")[:2]
    assert heads[0].startswith(f"{MARKS[0]} a 1 {EARLIER[0]} 1.5") and heads[1].startswith(f"{MARKS[1]} b 2")
    plots = "\n".join(seen.split("\n")[2:])
    assert all(plots.count(mark) >= 2 for mark in (MARKS[0], MARKS[1], EARLIER[0]))
    dashed = next(row for row in plots.split("\n") if EARLIER[0] in row)
    assert " " in dashed[10:60].strip()


def test_the_heading_says_last_least_greatest_and_what_is_odd() -> None:
    now = run(loss=[*[1.0 / (step + 1) for step in range(30)], math.nan, math.nan])
    assert "● loss nan ⚠ NaN since step 30  0.03333 to 1" in drawn(board(now), 80)
    assert "⚠ 2 values of 0 or less not drawn" in drawn(board(run(a=[1.0, 0.0, -1.0, 2.0]), View(log=True)), 80)
    once = run(a=[1.0, math.inf, 2.0])
    assert "⚠ 1 value not finite" in drawn(board(once), 80)


def test_values_are_read_off_at_the_cursor_of_both_runs() -> None:
    now, before = run(loss=[float(step) for step in range(40)]), run(loss=[float(step + 100) for step in range(20)])
    seen = drawn(board(now, View(cursor=12.0), before))
    assert "● loss 12 ○ 112" in seen
    assert "│" in seen.split("\n")[3][20:50], "a line where it is"
    assert "○ 119" in drawn(board(now, View(cursor=39.0), before)), "the last that it has"
    before.series["loss"].steps[0] = 1.0
    assert "● loss 0 ○ –" in drawn(board(now, View(cursor=0.0), before)), "nothing yet"
    assert "● loss 2 ○ 102" in drawn(board(now, View("time", cursor=2.5), before)), "each by its own beginning"


def test_reading_off_goes_from_value_to_value() -> None:
    now = Metrics()
    for step in (0, 1000, 2000):
        now.add("loss", step, 1.0, 500.0 + step)
    seen = board(now)
    assert [seen.beside(x, True) for x in (-5, 1, 1000, 1999, 5000)] == [0, 1000, 1000, 2000, 2000]
    assert [seen.beside(x, False) for x in (-5, 1, 1000, 1999, 5000)] == [0, 0, 1000, 1000, 2000]
    assert board(now, View("time")).beside(400, True) == 1000


def test_smoothed_values_are_shown_beside_their_own() -> None:
    now = run(loss=[float(step % 2) for step in range(50)])
    seen = board(now, View(weight=0.9))
    assert "loss 1 ~0.5" in drawn(seen)
    assert [curve.faint for curve in seen._curves("loss")] == [False, True]


def test_metrics_that_have_no_room_are_those_far_from_the_chosen_one() -> None:
    now = run(**{f"m{number}": [1.0, 2.0] for number in range(9)})
    seen = board(now)
    assert seen.groups(38, 12) == [["m0"], ["m1"]]
    seen.chosen = "m5"
    assert seen.groups(38, 12) == [["m4"], ["m5"]]
    assert len(seen.groups(120, 30)) == 9
    seen.alone = True
    assert seen.groups(120, 30) == [["m5"]]


def test_values_that_all_have_one_step_are_said_to() -> None:
    now = Metrics()
    for time in range(5):
        now.add("loss", 0, time, float(time))
    assert board(now).note() == "all at step 0: h shows them by time"
    assert board(now, View("time")).note() == ""


ALL = (0.0, 100.0)


@pytest.mark.parametrize("cursor", [None, 10.0])
def test_zooming_in_and_out_again_ends_where_it_began(cursor: float | None) -> None:
    view = View(cursor=cursor)
    for _ in range(3):
        view = view.zoomed(ALL, 0.5)
    assert view.shown is not None and view.shown[1] - view.shown[0] == pytest.approx(12.5)
    assert view.shown[1] == 100 if cursor is None else view.shown[0] <= 10 <= view.shown[1]
    for _ in range(3):
        view = view.zoomed(ALL, 2)
    assert view.shown is None


def test_it_goes_no_closer_than_a_step_and_not_beyond_the_ends() -> None:
    view = View()
    for _ in range(80):
        view = view.zoomed(ALL, 0.5)
    assert view.shown is not None and view.shown[1] - view.shown[0] >= 1
    assert view.panned(ALL, 1) == view
    for _ in range(400):
        view = view.panned(ALL, -0.5)
    assert view.shown is not None and view.shown[0] == 0
    assert View().panned(ALL, 1) == View()
    far = view.at(70, ALL)
    assert far.shown is not None and far.shown[0] <= 70 <= far.shown[1], "what is read off stays in sight"
    assert view.at(1e9, ALL).cursor == 100


def test_the_clock_of_a_run_of_days_has_dates() -> None:
    begin, hour = 1_795_435_200.0, 3600.0
    now = Metrics()
    for hours in range(0, 72, 6):
        now.add("loss", hours, 1.0 / (hours + 1), begin + hours * hour)
    foot = drawn(board(now, View("clock")), 80).split("\n")[-1]
    dates = [words.clock(begin + hours * hour, "%m-%d %H:%M") for hours in (0, 33, 66)]
    assert " ".join(foot.split()) == " ".join(dates)
    assert View("time").label(7200) == "2 h 00 min"


def test_a_smoothed_constant_is_a_flat_line() -> None:
    ((_, drawn),) = next(board(run(lr=[0.1] * 500), View(weight=0.9)).bands(60, 12))
    rows = text(drawn)[1:-1]
    assert len([row for row in rows if any(char > "\u2800" for char in row[9:])]) == 1
