"""What a run takes of its VM: now, at most, how it went, and a word where it is nearly all."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.events import GpuUse
from tests.fakes.script import FACTS, Scenario, resources
from tui.widgets.traces import BARS, MOST, Trace
from tui.widgets.usage import Use

from .walk import drawn, walking


@given(st.lists(st.floats(0, 1e15), min_size=1, max_size=300), st.integers(1, 60))
def test_a_trace_is_bounded_and_keeps_its_peak(values: list[float], width: int) -> None:
    trace = Trace()
    for value in values:
        trace.add(value)
    assert len(trace) <= MOST
    assert (trace.peak, trace.last) == (max(values), values[-1])
    for height in (1, 3):
        rows = trace.bars(width, height)
        assert len(rows) == height and {len(row) for row in rows} == {min(width, len(trace))}
        assert BARS[-1] in rows[0] or max(values) == 0
        assert " " not in rows[-1], "the least is a line, not nothing"


def test_weeks_of_samples_keep_a_short_peak() -> None:
    trace = Trace()
    for at in range(300_000):
        trace.add(1.0 if at == 123_456 else 0.1)
    assert len(trace) <= MOST and trace.bars(24, 1)[0].count("█") == 1
    trace.add(math.nan)
    assert trace.last == 0.1


def text(parts: list[tuple[str, str]]) -> str:
    return "".join(part for part, _ in parts)


def used(**changes: object) -> Use:
    use = Use(FACTS)
    use.add(resources(9))
    use.add(replace(resources(5), **changes))
    return use


def test_each_quantity_has_a_row_with_its_peak() -> None:
    rows = [text(row) for row in used().rows(60)]
    assert [row[:8].strip() for row in rows] == ["CPU", "VM", "Memory", "VM", "GPU 0", "Disk"]
    assert rows[0].endswith("2.7 of 8 max 4.6") and "31.3 GiB" in rows[3] and "free of 133 GB" in rows[5]
    assert all(len(row) <= 60 for row in rows)
    tall = [text(row) for row in used().rows(60, 16)]
    assert len(tall) == 5 * 3 + 1 and {len(row) for row in tall if "█" in row} == {60}
    none = [text(row) for row in used(gpus=[GpuUse(use=None, memory=None)]).rows(60)]
    assert "–" in none[4]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"machine_memory": int(FACTS.memory_bytes * 0.92)}, "⚠ NEARLY FULL"),
        ({"machine_memory": int(FACTS.memory_bytes * 0.98)}, "⚠ FULL"),
        ({"disk_free": 1_500_000_000}, "⚠ NEARLY FULL"),
        ({"disk_free": int(FACTS.disk_total_bytes * 0.04)}, "⚠ NEARLY FULL"),
        ({"disk_free": 10_000_000}, "⚠ FULL"),
    ],
)
def test_what_is_nearly_all_is_a_word(changes: dict[str, int], word: str) -> None:
    use = used(**changes)
    for said in (text(use.line(80)), "\n".join(map(text, use.rows(60)))):
        assert word in said
    assert "⚠" not in text(used().line(80))


def test_a_line_that_is_short_leaves_out_whole_parts_but_no_warning() -> None:
    said = text(used(disk_free=10_000_000).line(46))
    assert said.startswith("Disk 10.0 MB  ⚠ FULL  CPU 2.7 of 8") and len(said) <= 46
    assert text(used().line(30)) == "CPU 2.7 of 8 · VM 42%"


def test_without_facts_there_are_no_parts_of_a_whole() -> None:
    use = Use()
    use.add(resources(3))
    assert "cores" in text(use.line(80)) and " of " not in "\n".join(map(text, use.rows(60)))


async def test_the_panel_says_why_there_is_nothing() -> None:
    async with walking(Scenario(no_runs=True), (120, 40)) as walk:
        await walk.press("5", "enter")
        assert "No run is open." in walk.screen_text()
    async with walking(Scenario(), (120, 40)) as walk:
        await walk.press("5", "enter")
        await drawn(walk)
        assert "Nothing measured" in walk.screen_text()
        walk.pane.chart.now.series.clear()  # type: ignore[attr-defined]
        await drawn(walk)
        assert "The run logged no metric" in walk.screen_text()
        walk.pane.resources.tell("created")  # type: ignore[attr-defined]
        await drawn(walk)
        assert "Nothing yet: the run waits" in walk.screen_text()


@pytest.mark.parametrize(("size", "seen"), [((80, 24), "GPU0 78%"), ((120, 40), "max 78%")])
async def test_the_last_values_are_on_the_screen_in_both_sizes(size: tuple[int, int], seen: str) -> None:
    async with walking(Scenario(resources=True), size) as walk:
        await walk.press("1", "enter", "5")
        await drawn(walk)
        assert seen in walk.screen_text() and "6.0 of 8" in walk.screen_text()
