"""Where the lines of a log are, which of them match, what is seen of one: against the plain way to do it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from tui import untrusted
from tui.widgets import log_save, log_scan, log_store, log_text, log_times
from tui.widgets.log_file import LogFile
from tui.widgets.log_match import Both, Matcher, Unsearchable
from tui.widgets.log_scan import Filtered, Scan, Search
from tui.widgets.log_store import LogStore

PIECES = st.lists(st.text(alphabet="ab\n\r\té\0世", max_size=40), max_size=12)


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """Blocks and slices so small that every text has several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_store, "BLOCK", 16)
        patch.setattr(log_store, "CACHED", 2)
        patch.setattr(log_scan, "SLICE", 24)
        patch.setattr(log_scan, "SLICE_REGEX", 24)
        patch.setattr(log_scan, "SLICE_TEXT", 24)
        yield


def _starts(data: bytes) -> list[int]:
    found = [0] + [at + 1 for at, byte in enumerate(data) if byte == 10]
    return [start for start in found if start < len(data)]


def _through(lines: LogStore | Filtered, first: int | None) -> list[int]:
    found = []
    while first is not None:
        found.append(first)
        first = lines.next(first)
    return found


@given(PIECES)
def test_every_line_is_found_from_both_sides_and_by_its_number(pieces: list[str]) -> None:
    store = LogStore()
    for piece in pieces:
        store.append(piece)
        store.last()  # what was looked at before more came must not be stale
    data = "".join(pieces).encode()
    starts = _starts(data)
    assert len(store) == len(starts)
    assert _through(store, 0 if data else None) == starts
    assert [store.number(start) for start in starts] == list(range(len(starts)))
    assert [store.at_number(number) for number in range(len(starts))] == starts
    assert [store.raw(start)[0] for start in starts] == data.split(b"\n")[: len(starts)]
    for start, earlier in zip(starts, [None, *starts], strict=False):
        assert store.previous(start) == earlier
    for offset in range(len(data)):
        assert store.start_of(offset) == max(start for start in starts if start <= offset)
        assert store.arrived(offset) == len([start for start in starts if start >= offset])
    store.close()


@given(PIECES, st.sampled_from(["a", "B", "é", "ab", "世"]), st.booleans(), st.data())
def test_a_search_a_filter_and_the_plain_way_find_the_same_lines(
    pieces: list[str], wanted: str, regex: bool, draw: st.DataObject
) -> None:
    store, matcher = LogStore(), Matcher(wanted, regex=regex)
    filtered = Filtered(store, matcher)
    for piece in pieces:  # it goes on while the log grows, also within a line
        store.append(piece)
        while filtered.scan.step():
            pass
    text = "".join(pieces)
    starts = _starts(text.encode())
    seen = [untrusted.visible(line.rstrip("\r")) for line in text.split("\n")]
    hits = [
        start
        for start, line in zip(starts, seen, strict=False)
        if re.search(wanted, line, 0 if wanted == "B" else re.I)
    ]
    assert list(filtered) == hits
    assert _through(filtered, hits[0] if hits else None) == hits
    near = draw.draw(st.sampled_from(starts)) if starts else 0
    search = Search(store, matcher, near)
    while search.step():
        pass
    assert len(search) == len(hits)
    assert search.next(near, 1) == next((hit for hit in hits if hit >= near), hits[0] if hits else None)
    assert search.next(near, -1) == next((hit for hit in reversed(hits) if hit < near), hits[-1] if hits else None)
    assert all(search.holds(hit) and search.rank(hit) == rank for rank, hit in enumerate(hits))
    store.close()


def test_a_line_without_an_end_is_cut_where_it_is_too_long_to_look_for_one() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_store, "MOST", 64)
        store = LogStore()
        store.append("a" * 100 + "\n" + "b" * 300 + "\nc\n")  # cut at 64 with as many before it, not at 128
        found = [0, 64, 101, 192, 256, 320, 384, 402]
        for counted in range(2):  # what is counted is skipped
            assert _through(store, 0) == found
            assert [store.start_of(offset) for offset in range(404)] == [
                max(start for start in found if start <= offset) for offset in range(404)
            ]
            assert [store.previous(start) for start in found[1:]] == found[:-1]
            if not counted:
                store.grow(404)
        store.close()


def test_a_line_that_stops_matching_while_it_grows_is_a_hit_no_more() -> None:
    store = LogStore()
    scan = Scan(store, Matcher("wait$", regex=True))
    store.append("one\nwait")
    while scan.step():
        pass
    assert list(scan.starts) == [4]
    store.append("ed\n")
    while scan.step():
        pass
    assert list(scan.starts) == []


def test_a_search_in_a_filtered_log_is_among_its_lines() -> None:
    store = LogStore()
    store.append("a x\nb x\na y\na x x\n")
    search = Search(store, Matcher("x"), 0, Matcher("a"))
    while search.step():
        pass
    assert [search.next(0, 1), search.next(1, 1), len(search)] == [0, 12, 2]
    assert Both(Matcher("."), Matcher("x", regex=True)).regex


def test_case_counts_where_a_capital_is_typed() -> None:
    text = b"x\nLOSS 1\nloss loss\nTheLoss"
    assert [Matcher(wanted).starts(text) for wanted in ("loss", "Loss", "é")] == [[2, 9, 19], [19], None]
    assert not Matcher("loss").cased and Matcher("Loss").cased
    assert not Matcher(r"\S+\W", regex=True).cased and Matcher(r"\S+X", regex=True).cased
    assert Matcher("loss").spans("Loss loss") == [(0, 4), (5, 9)]
    assert Matcher("Loss").spans("Loss loss") == [(0, 4)]
    assert Matcher("a.c").spans("abc a.c") == [(4, 7)]


@pytest.mark.parametrize("wanted", ["(", "*", "[", "(?P<n", r"\1", "a{9999999999}"])
def test_what_is_no_regular_expression_is_told_in_words(wanted: str) -> None:
    with pytest.raises(Unsearchable, match="not a regular expression"):
        Matcher(wanted, regex=True)


@pytest.mark.parametrize("wanted", ["(a+)+$", "(a|aa)*c", "(.*a){30}$"])
def test_an_expression_that_would_take_for_ever_is_stopped(wanted: str) -> None:
    began = process_time()
    line = "a" * 60 + "b"
    with pytest.raises(Unsearchable, match="takes too long"):
        Matcher(wanted, regex=True).lines(line)
    assert Matcher(wanted, regex=True).spans(line) == []
    assert process_time() - began < 5
    assert Matcher("a+", regex=True).lines(line) == [0], "and the next one goes on"


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("10 %\r50 %\r100 %\r\n", "100 %"),
        ("downloading\rdone", "doneloading"),  # as a terminal has it
        ("downloading\r\x1b[Kdone", "done"),
        ("downloading\x1b[2K\rdone", "done"),
        ("a\rb\x1b[2Kc", "c"),
        ("windows\r\n", "windows"),
        ("a\0b\x08c", "abc"),
        ("\xff\x1b[31mred\x1b[0m", "\xffred"),
    ],
)
def test_a_line_is_what_a_terminal_shows_last(raw: str, seen: str) -> None:
    assert untrusted.line(raw).plain == seen
    assert untrusted.visible(raw.rstrip("\r\n")) == seen


@given(st.text(alphabet="ab世é\u0301", min_size=1, max_size=60), st.integers(2, 12))
def test_folding_loses_nothing_and_cuts_no_wide_character(text: str, width: int) -> None:
    whole = Text(text)
    from rich.console import Console

    rows = log_text.rows(log_text.strip_of(whole, whole.render(Console())), width)
    assert "".join(row.text for row in rows) == text + ("\n" if text.endswith("\n") else "")
    assert all(cell_len(row.text) <= width for row in rows)


def test_of_a_very_long_line_its_beginning_is_shown_or_the_end_of_a_bar(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_store, "BLOCK", 1 << 16)
    store = LogStore()
    store.append("x" * 3_000_000 + "\n" + "".join(f"{at} %\r" for at in range(100_000)) + "\nend")
    first, second = 0, 3_000_001
    seen = log_text.visible(store, first)
    assert len(seen) < 17_000 and seen.endswith("3.0 MB more in this line")
    assert log_text.visible(store, second) == "99999 %"
    assert store.next(second) == store.last()
    store.close()


def test_a_file_that_grows_is_cut_or_is_replaced_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_text("one\n")
    file = LogFile(path)
    with path.open("a") as more:
        more.write("two\n")
    assert file.look() == "" and file.store.size == 8
    assert file.store.count(3) and not file.store.count(100)
    assert len(file.store) == 2
    before = file.store
    path.write_text("1\n")
    assert "was cut" in file.look() and file.store is not before and file.store.size == 2
    path.write_text("another\n")
    assert "written anew" in file.look()
    path.unlink()
    assert "is gone" in file.look() and file.look() == ""
    path.write_text("the next\n")
    assert "replaced" in file.look() and file.store.size == 9
    assert file.look() == ""
    with pytest.raises(OSError, match="directory"):
        LogFile(tmp_path)


POINTS = [(0, 1_700_000_000.0), (100, 1_700_000_010.0), (100, 5.0), (300, 1_700_000_005.0), (400, 1_700_003_600.0)]


def test_times_go_from_bytes_to_the_clock_and_back() -> None:
    times = log_times.LogTimes()
    assert not times and times.of(0) is None
    times.add(POINTS)
    assert [times.of(offset) for offset in (0, 99, 350)] == [1_700_000_000.0, 1_700_000_000.0, 1_700_000_010.0]
    assert [times.offset(when) for when in (0.0, 1_700_000_011.0, 9e9)] == [0, 400, 400]
    assert times.meant("22:13:30") == 1_700_000_010.0
    assert times.meant("2023-11-14 23:13") == 1_700_003_580.0
    assert times.meant("-10m") == 1_700_003_000.0
    assert [times.meant(text) for text in ("soon", "99:99:99:99", "-3x", "")] == [None] * 4
    assert [log_times.line_number(text) for text in ("1", "1,234", "0", "x")] == [0, 1233, 0, None]
    assert [log_times.share(text) for text in ("50%", "999 %", "x")] == [0.5, 1.0, None]


@settings(max_examples=20)
@given(st.lists(st.text(alphabet="ab\x1b[31m\n", max_size=30), max_size=8), st.booleans())
def test_neighbours_are_saved_together_and_no_line_twice(pieces: list[str], some: bool) -> None:
    store = LogStore()
    for piece in pieces:
        store.append(piece)
    starts = _starts("".join(pieces).encode())
    lines = [start for rank, start in enumerate(starts) if rank % 4 != 1] if some else None
    ranges = list(log_save.ranges(store, lines))
    assert all(begin < end for begin, end in ranges) or lines is None
    assert all(before[1] < after[0] for before, after in pairwise(ranges)), "neighbours are one range"
    covered = [start for start in starts if any(begin <= start < end for begin, end in ranges)]
    assert covered == (starts if lines is None else lines)
    store.close()
