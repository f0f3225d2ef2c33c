"""What metrics cost on the screen: a frame, the memory, and how long the loop stands still while they pour in."""

from __future__ import annotations

import asyncio
import random
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

from textual.app import App, ComposeResult

from core.events import Metric
from tui.screens.work import TURN_S
from tui.widgets.metrics import MetricChart

from .row import Part, Row, compared_live, p95

FEW, MANY, MOST = 1_000, 50_000, 1_000_000
CURVES = 4
POURED = 100_000  # values that come at once


class Screen(App[None]):
    def compose(self) -> ComposeResult:
        yield MetricChart(id="metrics")


class Bare(App[None]):
    pass


@asynccontextmanager
async def _charted(points: int, curves: int = CURVES) -> AsyncIterator[MetricChart]:
    app = Screen()
    async with app.run_test(size=(120, 36)):
        chart = app.query_one(MetricChart)
        chance = random.Random(7)
        for number in range(curves):
            for step in range(points):
                chart.now.add(f"m{number}", step, chance.random() + number, step)
        chart.look(replace(chart.view, together=True))
        yield chart


async def _frame(chart: MetricChart) -> float:
    """Milliseconds for all that a frame takes of us: choosing, scaling, drawing, and the lines for the terminal."""
    began = time.perf_counter()
    chart._strips = [strip for part in chart._drawn() for strip in part]
    for y in range(chart.size.height):
        chart.render_line(y)
    return (time.perf_counter() - began) * 1000


async def frame_row(points: int, curves: int = CURVES) -> Row:
    async with _charted(points, curves) as many, _charted(FEW, curves) as few:
        return await compared_live(
            f"a frame of {curves} curves of {points:,} points, 120×36",
            lambda: _frame(many),
            f"of {FEW:,} points",
            lambda: _frame(few),
            rounds=25,
            goal="≤ 16 ms",
        )


async def memory_row() -> Row:
    def taken(fill: Callable[[], object]) -> float:
        tracemalloc.start()
        kept = fill()
        used = tracemalloc.get_traced_memory()[0] / 1e6
        tracemalloc.stop()
        del kept
        return used

    def ours() -> object:
        chart = MetricChart(id="metrics")
        for step in range(MOST):
            chart.now.add("loss", step, step * 0.5, step * 1.0)
        return chart

    def floor() -> object:
        return [(step * 1.0, step * 0.5, step * 1.5) for step in range(MOST)]

    return Row(f"memory of {MOST:,} values", [taken(ours)], "as a list of tuples", [taken(floor)], "MB")


async def _stall(app: App[None], take: Callable[[Metric], object]) -> float:
    """The longest that the loop does not come to its turn, in ms, while values pour in as a pane takes them."""
    longest, going = 0.0, True

    async def watch() -> None:
        nonlocal longest
        while going:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - began - 0.001)

    watching = asyncio.create_task(watch())
    turn = time.monotonic()
    for step in range(POURED):
        take(Metric(key=f"m{step % CURVES}", value=random.random(), step=step, time=float(step)))
        if time.monotonic() - turn > TURN_S:
            await asyncio.sleep(0)
            turn = time.monotonic()
    going = False
    await watching
    return longest * 1000


async def stall_row() -> Row:
    ours, bare = Screen(), Bare()

    async def poured() -> float:
        chart = ours.query_one(MetricChart)
        chart.clear()
        chart.look(replace(chart.view, weight=0.9))
        return await _stall(ours, chart.add)

    async with ours.run_test(size=(120, 36)), bare.run_test(size=(120, 36)):
        measure: tuple[Callable[[], Awaitable[float]], ...] = (poured, lambda: _stall(bare, lambda _metric: None))
        row = await compared_live(
            f"{POURED:,} values at once, smoothed: longest stall of the loop (p95)",
            measure[0],
            "the same thrown away in a bare app",
            measure[1],
            goal="≤ 50 ms",
        )
    return replace(row, of=p95)


def parts() -> Iterator[Part]:
    yield "metrics: a frame", lambda: [asyncio.run(frame_row(MANY))]
    yield "metrics: a frame of one long curve", lambda: [asyncio.run(frame_row(MOST, 1))]
    yield "metrics: stall", lambda: [asyncio.run(stall_row())]
    yield "metrics: memory", lambda: [asyncio.run(memory_row())]
