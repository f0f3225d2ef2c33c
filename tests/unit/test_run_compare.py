"""Two runs side by side: values, and unified diffs as diff itself writes them, within limits."""

from __future__ import annotations

import difflib
from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import ComparedCode, RunInfo, RunsCompared
from core.runs import code_diff, compare
from tui import comparison


def info(**fields: Any) -> RunInfo:
    given_ = {"run": "R", "name": "n", "experiment": "e", "state": "completed", "created": 100.0, **fields}
    return RunInfo(**given_)


def test_every_value_of_either_run_has_its_line_and_only_numbers_have_a_difference() -> None:
    a = info(ended=160.0, params={"lr": "0.1", "old": "1"}, metrics={"acc": 0.5, "loss": nan, "gone": 1.0}, cpu_s=3.0)
    b = info(ended=150.0, params={"lr": "0.2", "new": "2"}, metrics={"acc": 0.75, "loss": nan, "extra": nan})
    event = RunsCompared(
        a=a, b=b, texts=compare.texts(a, b), numbers=compare.numbers(a, b), code=ComparedCode(same=True)
    )
    lines = {(line.group, line.name): line[2:] for line in comparison.lines(event)}
    assert lines["metric", "acc"] == ("0.5", "0.75", "+0.25", False)
    assert lines["metric", "loss"] == ("nan", "nan", "", True)
    assert lines["metric", "gone"] == ("1", "–", "differs", False)
    assert lines["parameter", "lr"] == ("0.1", "0.2", "differs", False)
    assert lines["parameter", "old"] == ("1", "–", "differs", False)
    assert lines["parameter", "new"] == ("–", "2", "differs", False)
    assert lines["run", "name"] == ("n", "n", "", True)
    assert lines["resource", "duration"] == ("1 min 00 s", "50.0 s", "-10.0 s", False)
    assert lines["resource", "CPU time"] == ("3.0 s", "–", "differs", False)
    assert ("resource", "peak memory") not in lines
    assert [line.name for line in comparison.differing(comparison.lines(event))][:2] == ["acc", "gone"]


@pytest.mark.parametrize(
    ("a", "b", "shown"),
    [
        ("short", "longer", ("short", "longer")),
        ("python train.py --lr 0.05", "python train.py --lr 0.10", ("…y --lr 0.05", "…y --lr 0.10")),
        ("x" * 30 + "a" + "y" * 30, "x" * 30, ("…xxxayyyyyy…", "…xxx")),
        ("a" * 30, "a" * 30, ("a" * 11 + "…", "a" * 11 + "…")),
        ("a" * 30, "b" * 30, ("a" * 11 + "…", "b" * 11 + "…")),
        ("", "b" * 13, ("", "b" * 11 + "…")),
    ],
)
def test_of_a_long_value_the_part_is_shown_that_differs(a: str, b: str, shown: tuple[str, str]) -> None:
    assert comparison.around(a, b, 12) == shown


def entry(kind: str = "file", size: int = 1, sha256: str = "x") -> dict[str, object]:
    return {"kind": kind, "bytes": size, "sha256": sha256}


def test_files_differ_by_kind_size_or_content() -> None:
    a = {"same": entry(), "text": entry(), "gone": entry(), "link": entry(), "huge": entry(size=9, sha256="")}
    b = {**a, "text": entry(sha256="y"), "link": entry("link"), "new/file": entry(size=7)}
    del b["gone"]
    found = [(file.path, file.change, file.bytes_a, file.bytes_b, file.note) for file in code_diff.changes(a, b)]
    assert found == [
        ("gone", "removed", 1, None, ""),
        ("huge", "changed", 9, 9, "too large to be compared"),
        ("link", "changed", 1, 1, "a link"),
        ("new/file", "added", None, 7, ""),
        ("text", "changed", 1, 1, ""),
    ]


LINES = st.lists(st.sampled_from(["a", "b", "", "  c", "é", "-x", "+y"]), max_size=30)


@given(LINES, LINES)
def test_a_diff_is_the_one_that_difflib_writes(one: list[str], other: list[str]) -> None:
    a, b = ("".join(f"{line}\n" for line in side) for side in (one, other))
    wanted = list(difflib.unified_diff(one, other, "a/f", "b/f", lineterm=""))
    assert code_diff.unified("f", a, b) == ("\n".join(wanted) + "\n" if wanted else "")


def test_what_takes_too_long_is_given_up_and_line_ends_are_no_line() -> None:
    ticks = iter([0.0, 0.5, 1.5])
    a, b = "x\ny\nz\n", "y\nq\nz\n"
    assert code_diff.unified("f", a, b, clock=lambda: next(ticks)) is None
    assert code_diff.unified("f", "x\n" * (code_diff.MOST_LINES + 1), "y\n") is None
    assert code_diff.unified("f", "x\r\ny", "x\ny\n") == ""
