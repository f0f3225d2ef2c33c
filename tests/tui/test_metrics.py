"""Metrics on the screen: whatever a job logs, the value is shown; every key does something or says why not."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import OptionList

from core.events import Metric
from tests.fakes import script
from tests.fakes.script import EARLIER, RUN, Scenario
from tui import words
from tui.screens.curves import matching
from tui.widgets.key_line import KeyLine
from tui.widgets.metric_keys import MetricKeys
from tui.widgets.metrics import EMPTY, LITTLE, SLICE, MetricChart
from tui.widgets.panels import Panels

from .walk import Walk, drawn, walking


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


async def test_smoothing_many_points_leaves_the_loop_its_turns() -> None:
    app = Host()
    async with app.run_test(size=(120, 40)) as pilot:
        chart = app.query_one(MetricChart)
        for step in range(5 * SLICE):
            chart.now.add("loss", step, step % 2, step)
        chart.look(replace(chart.view, weight=0.9))
        (smoothed,) = chart._smoothed.values()
        assert len(smoothed.blocks) == LITTLE, "no more before the loop has had its turn"
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert len(smoothed.blocks) == 5 * SLICE
        chart.draw()
        assert "loss 1 ~0.5" in "".join(segment.text for segment in chart._strips[0])


async def test_every_key_of_the_metrics_changes_the_picture_or_says_why_not() -> None:
    keys = [binding.key.split(",")[0] for binding in MetricKeys.BINDINGS if isinstance(binding, Binding)]
    async with walking(Scenario(first_try=True), (100, 24)) as walk:
        for state in ([], ["enter"]):
            await walk.press("5", *state)
            chart = _chart(walk)
            for key in keys:
                chart.focus()
                await walk.pilot.pause()
                walk.app.clear_notifications()
                before, view = walk.screen_text(), chart.view
                await walk.pilot.press(key)
                await walk.pilot.pause()
                changed = walk.screen_text() != before or chart.view != view
                assert changed or walk.notices(), f"{key} does nothing"
                if walk.app.screen is not walk.app.wizard:
                    await walk.press("escape")


def _chart(walk: Walk) -> MetricChart:
    return walk.pane.query_one(MetricChart)


async def _watched(walk: Walk) -> MetricChart:
    """The metrics of a run that has ended, with the focus, in their final size."""
    await walk.press("1", "enter", "5")
    chart = _chart(walk)
    chart.focus()
    await drawn(walk)
    return chart


async def test_a_walk_through_the_metrics_by_keys() -> None:
    async with walking(Scenario(resources=True, first_try=True), (120, 40)) as walk:
        chart = await _watched(walk)
        seen = walk.screen_text()
        assert "● loss 0.1244" in seen and "▲ accuracy 0.9596" in seen, "several curves at once"
        assert "v curves  l log" in seen

        await walk.press("l", "s")
        assert "log y · smooth 0.6" in walk.screen_text() and " ~0." in walk.screen_text()
        await walk.press("l", "s", "s")
        assert "smooth" not in walk.screen_text().split("v curves")[0]

        await walk.press("left")
        assert "at step 39" in walk.screen_text()
        await walk.press("left", "shift+left")
        at = int(chart.view.cursor or 0)
        assert 20 < at < 30 and f"at step {at}" in walk.screen_text()
        assert f"loss {words.number(script.loss(at))}" in walk.screen_text()
        await walk.press("plus", "plus", "right_square_bracket")
        assert chart.view.shown is not None and "step 21" not in walk.screen_text()
        await walk.press("0")
        assert "at step" not in walk.screen_text() and "step 0" in walk.screen_text()

        await walk.press("h", "left")
        assert "by time" in walk.screen_text() and "at 39.0 s" in walk.screen_text()
        await walk.press("h", "h", "enter")
        assert "▲ accuracy" not in walk.screen_text() and "1 of 2" in walk.screen_text()
        await walk.press("down")
        assert "▲ accuracy" in walk.screen_text() and "● loss" not in walk.screen_text()
        await walk.press("enter", "a")
        assert walk.screen_text().count("step 0") == 1, "one plot for both"


async def test_an_earlier_run_is_drawn_beside_and_its_command_is_shown() -> None:
    async with walking(Scenario(first_try=True), (120, 40)) as walk:
        chart = await _watched(walk)
        await walk.press("e")
        assert "1 of this experiment" in walk.screen_text() and "first try" in walk.screen_text()
        assert RUN[:13] not in walk.text("#said")
        await walk.press("enter")
        assert chart.earlier_run == EARLIER and len(chart.earlier.series["loss"]) == 30
        assert "loss 0.1244 ○ 0.1" in walk.screen_text()
        assert f"dashed: earlier run {EARLIER[:13]}" in walk.screen_text()
        assert f"metrics {EARLIER}" in walk.app.session.commands[-1].text
        await walk.press("h", "h")
        assert "by the clock without" in walk.screen_text()
        await walk.press("h", "e", "enter")
        assert chart.earlier_run == "" and not chart.earlier.series, "none is the first choice then"


async def test_an_earlier_run_that_cannot_be_read_is_said() -> None:
    async with walking(Scenario(first_try=True), (120, 40)) as walk:
        chart = await _watched(walk)
        await walk.press("e")
        walk.app.session.services.runs.scenario.first_try = False  # type: ignore[attr-defined]
        await walk.press("enter")
        assert "were not read: There is no run" in walk.notices()
        assert chart.earlier_run == ""


async def test_curves_are_chosen_in_a_list_with_a_filter() -> None:
    assert matching(["train/loss", "val/loss", "lr"], "TRAIN/*") == ["train/loss"]
    assert matching(["train/loss", "val/loss", "lr"], "loss") == ["train/loss", "val/loss"]
    async with walking(Scenario(), (80, 24)) as walk:
        chart = await _watched(walk)
        for number in range(310):
            chart.add(Metric(key=f"layer{number}/norm", value=1.0, step=0, time=0.0))
        assert len(chart.shown) == 6, "not all of them at first"
        await walk.press("v")
        assert "12 more to filter for" in walk.screen_text()
        await walk.press("n", "slash", *"*17/n*")
        assert walk.app.screen.query_one(OptionList).option_count == 3
        await walk.press("enter", "a", "space", "enter")
        assert chart.shown == ["layer117/norm", "layer217/norm"]
        await walk.press("v", "slash", *"zzz", "escape", "escape")
        assert walk.app.screen is walk.app.wizard and len(chart.shown) == 2
        await walk.press("v", "n", "enter")
        assert "No curve is chosen" in walk.screen_text()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_z_gives_a_panel_all_the_room_and_takes_it_back(size: tuple[int, int]) -> None:
    async with walking(Scenario(resources=True), size) as walk:
        await _watched(walk)
        panels = walk.pane.query_one(Panels)
        normal = {id: walk.pane.query_one(f"#{id}").region for id in Panels.PANELS}
        assert all(region.area for region in normal.values()), "all three at once"
        for id in Panels.PANELS:
            walk.pane.query_one(f"#{id}").focus()
            await walk.press("z")
            assert walk.pane.query_one(f"#{id}").region.size == panels.content_region.size
            assert not any(walk.pane.query_one(f"#{other}").region.area for other in Panels.PANELS if other != id)
            await walk.press("z")
            assert {id: walk.pane.query_one(f"#{id}").region for id in Panels.PANELS} == normal
            keys = walk.app.screen.query_one(KeyLine).keys
            assert len(keys) <= 6 and max(key.right for key in keys) <= 80


async def test_a_click_reads_off_and_the_wheel_zooms() -> None:
    async with walking(Scenario(), (120, 40)) as walk:
        chart = await _watched(walk)
        place, _ = chart.places[1]
        offset = (chart.content_region.x - chart.region.x + place.x + 20, 1 + place.y + 3)
        await walk.pilot.click(chart, offset=offset)
        assert chart.chosen == "accuracy" and chart.view.cursor is not None and 10 < chart.view.cursor < 25
        chart.action_zoom(True)
        assert chart.view.shown is not None


async def test_a_metric_with_a_hostile_name_is_only_text() -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.query_one(MetricChart)
        chart.add(Metric(key="[bold red]loss[/] 患者", value=1.0, step=0, time=0))
        chart.draw()
        await pilot.pause()
        assert "[bold red]loss[/]" in shown(app)
