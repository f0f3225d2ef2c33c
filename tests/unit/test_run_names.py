"""ULIDs, and which run a person means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RunError, UsageError
from core.jobs import ulid
from core.runs import names

RUNS = ["01JD000000000000000000000A", "01JD000000000000000000000B", "01JE000000000000000000000A"]


@given(st.floats(0, 2**48 / 1000 - 1))
def test_a_ulid_is_valid_and_holds_its_time(at: float) -> None:
    made = ulid.new(at)
    milliseconds = sum(ulid.ALPHABET.index(letter) << 5 * place for place, letter in enumerate(made[9::-1]))
    assert ulid.valid(made) and abs(milliseconds / 1000 - at) < 0.002


@given(st.integers(0, 2**40), st.integers(1, 2**30))
def test_ulids_sort_by_time(at: int, later: int) -> None:
    assert ulid.new(at / 1000) < ulid.new((at + later) / 1000)


def test_two_ulids_of_one_moment_differ() -> None:
    assert len({ulid.new(1.0) for _ in range(1000)}) == 1000


NO_ULIDS = ["", "01JD", RUNS[0].lower(), RUNS[0] + "0", "8" + RUNS[0][1:], "I" + RUNS[0][1:], RUNS[0] + "\n"]


@pytest.mark.parametrize("text", NO_ULIDS)
def test_what_is_no_ulid_is_not_valid(text: str) -> None:
    assert not ulid.valid(text)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("@latest", RUNS[2]), ("01JE", RUNS[2]), ("01je", RUNS[2]), (RUNS[1], RUNS[1]), (" 01JE ", RUNS[2])],
)
def test_a_run_is_found(wanted: str, found: str) -> None:
    assert names.resolve(wanted, RUNS) == found


@pytest.mark.parametrize(
    ("wanted", "known", "error", "title"),
    [
        ("@latest", [], RunError, "there is no run yet"),
        ("01JF", RUNS, RunError, "there is no run 01JF"),
        ("01JD", RUNS, RunError, f"2 runs begin with 01JD: {RUNS[0]}, {RUNS[1]}"),
        ("first-try", RUNS, UsageError, "'first-try' does not name a run"),
        ("", RUNS, UsageError, "'' does not name a run"),
    ],
)
def test_none_or_several_is_an_error(wanted: str, known: list[str], error: type[Exception], title: str) -> None:
    with pytest.raises(error) as caught:
        names.resolve(wanted, known)
    assert str(caught.value) == title
    assert caught.value.exit_code == 2  # type: ignore[attr-defined]


def test_an_id_made_earlier_is_taken_or_refused() -> None:
    assert names.checked(RUNS[0].lower()) == RUNS[0]
    assert ulid.valid(names.checked(None))
    with pytest.raises(UsageError):
        names.checked("try-1")
