"""What a long list of runs costs on the screen, beside Textual's own table with the same cells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec
from textual.app import App
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import DataTable

from core.events import RunInfo
from tests.fakes import history
from tests.fakes.script import Scenario
from tests.tui.walk import walking
from tui import run_list
from tui.screens.runs import RunsScreen
from tui.widgets.run_table import RunTable
from tui.widgets.table import MARK

from .row import Part, Row, compared_live, milliseconds

MANY = 5_000
SIZE = (120, 40)
OPENED, DRAWN = 5, 9  # rounds
PATIENCE_S = 30.0


def parts() -> Iterator[Part]:
    yield "list of runs: opened", lambda: [asyncio.run(open_row())]
    yield "list of runs: drawn", lambda: [asyncio.run(frame_row())]


def _cells(runs: list[RunInfo]) -> list[list[str]]:
    shown = [column for column, _ in run_list.columns(SIZE[0] - MARK)]
    return [[run_list.text(column.id, info, "") for column in shown] for info in runs]


class Filled(Screen[None]):
    """Textual's table with the same cells."""

    def compose(self) -> Any:
        yield DataTable()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns(*(column.title for column, _ in run_list.columns(SIZE[0] - MARK)))
        table.add_rows(_cells(history.earlier(MANY, "stackvm")))


class Bare(App[None]):
    pass


async def _shown(app: App[Any], screen: type[Screen[Any]]) -> None:
    """Until the screen shows a run. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while type(app.screen) is not screen or "nightly" not in _text(app.screen):
            await asyncio.sleep(0.005)


def _text(screen: Screen[Any]) -> str:
    return "".join(strip.text for strip in screen._compositor.render_strips())


async def open_row() -> Row:
    """From the key to the first line of the list."""

    async def ours() -> float:
        async with walking(Scenario(earlier=MANY), SIZE) as walk:
            walk.app.wizard.action_runs()
            return await milliseconds(lambda: _shown(walk.app, RunsScreen))

    async def floor() -> float:
        bare = Bare()
        async with bare.run_test(size=SIZE):
            bare.push_screen(Filled())
            return await milliseconds(lambda: _shown(bare, Filled))

    what = f"a list of {MANY:,} runs: opened"
    return await compared_live(what, ours, "the same in a DataTable", floor, rounds=OPENED, goal="< 1")


def _draw(table: Widget) -> None:
    for y in range(table.size.height):
        table.render_line(y)


def _timed(work: Callable[[], None]) -> Callable[[], Awaitable[float]]:
    async def run() -> float:
        began = time.perf_counter()
        work()
        took = (time.perf_counter() - began) * 1000
        await asyncio.sleep(0.02)
        return took

    return run


class Table(App[None]):
    """Ours alone: each of both tables is drawn in its own app."""

    def compose(self) -> Any:
        yield RunTable(run_list.RunList(), id="runs")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"muted": "#888888"}


async def frame_row() -> Row:
    """The VM tells of the runs again, one of which is not what it was."""
    runs = history.earlier(MANY, "stackvm")
    app, bare = Table(), Bare()
    async with app.run_test(size=SIZE):
        table = app.query_one(RunTable)

        def ours() -> None:
            runs[7] = msgspec.structs.replace(runs[7], cpu_s=time.monotonic())
            table.runs.take(runs)
            table.told()
            _draw(table)

        async with bare.run_test(size=SIZE):
            bare.push_screen(Filled())
            await _shown(bare, Filled)
            other = bare.screen.query_one(DataTable)

            def floor() -> None:
                other.clear()
                other.add_rows(_cells(runs))
                _draw(other)

            what = f"a list of {MANY:,} runs: told anew and drawn"
            return await compared_live(
                what, _timed(ours), "a DataTable filled anew", _timed(floor), rounds=DRAWN, goal="< 1"
            )
