"""Values as people read them: no unit is ever full."""

from __future__ import annotations

import pytest

from core.events import Progress
from tui import tables, words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0004, "0.4 ms"),
        (0.00996, "10 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min 00 s"),
        (184.0, "3 min 04 s"),
        (3599.7, "1 h 00 min"),
        (7500.0, "2 h 05 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress(title="", done=31_000), "31.0 kB"),
        (Progress(title="", done=31_000, total=124_103), "31.0 kB of 124 kB"),
        (Progress(title="", done=1_200, total=3_000, unit="files"), "1,200 of 3,000 files"),
        (Progress(title="", done=3, unit="items"), "3 items"),
    ],
)
def test_amounts(progress: Progress, text: str) -> None:
    assert words.amount(progress) == text


def test_memory_is_in_binary_units() -> None:
    assert words.memory(33_565_212_672) == "31.3 GiB"


def test_a_time_that_nobody_lived_in_is_no_error() -> None:
    assert words.clock(1e297) == words.clock(float("nan")) == tables.moment(-1e18) == "no time"
    assert tables.moment(None) == "" and words.clock(0.0).count(":") == 2
