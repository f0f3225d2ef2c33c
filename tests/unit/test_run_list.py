"""The list of runs: what the words of a filter mean, every order, and what a new look leaves as it was."""

from __future__ import annotations

import msgspec
import pytest

from tests.fakes import history
from tests.fakes.script import NOON
from tui import run_list
from tui.run_list import COLUMNS, RunList, columns, text


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "now", lambda: NOON)


def listed(**more: object) -> RunList:
    found = RunList(me=history.ME, **more)  # type: ignore[arg-type]
    found.take(history.earlier(21, "stackvm"))
    return found


def names(found: RunList) -> list[int]:
    return [int(row.info.name.split()[-1]) for row in found.shown]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("state:failed", [1, 8, 15]),
        ("State:FAILED owner:me", [8, 15]),
        ("state:queued", [4, 11, 18]),
        ("state:going engine:docker", [2]),
        ("state:ended sweep", [1, 5, 13, 17]),
        ("owner:ben@", [1, 4, 7, 10, 13, 16, 19]),
        ("experiment:onco name:ward", [3, 7, 11, 15, 19]),
        ("accuracy=0.904", []),  # 4 waits: it has no metric
        ("accuracy=0.905", [5]),
        ("lr=0.15 docker", [2, 17]),
        ("restarted", [5, 12, 19]),
        ("run:01JDEMA00000K", [19]),
        ("11-23", [0, 1, 14, 15]),
        ("nothing:of the:kind", []),
        ("state: completed", [0, 6, 7, 13, 14, 20]),  # not typed to its end
    ],
)
def test_every_word_of_a_filter_has_to_be_in_a_run(words: str, numbers: list[int]) -> None:
    found = listed(filter=words)
    assert sorted(names(found)) == numbers


@pytest.mark.parametrize("column", [column.id for column in COLUMNS])
def test_both_orders_have_every_run_once_and_those_without_a_value_last(column: str) -> None:
    found = listed()
    found.sort_by("name" if column != "name" else "run")
    found.sort_by(column)
    assert found.falls is next(known.falls for known in COLUMNS if known.id == column)
    orders = []
    for _ in range(2):
        keys = [found._key()(row.info) for row in found.shown]
        having = [key for key in keys if key is not None]
        assert len(found.shown) == 21 and keys == having + [None] * (21 - len(having))
        assert having == sorted(having, reverse=found.falls)
        orders.append(having)
        found.sort_by(column)
    assert orders[0] == orders[1][::-1]
    assert having


def test_the_metric_that_leads_is_the_one_of_most_runs_and_can_be_another() -> None:
    found = listed(column="metrics")
    infos = [msgspec.structs.replace(row.info, metrics={}) for row in found.rows.values()]
    infos[3] = msgspec.structs.replace(infos[3], metrics={"rare": float("nan"), "loss": 0.5})
    infos[4] = msgspec.structs.replace(infos[4], metrics={"loss": 0.25})
    infos[5] = msgspec.structs.replace(infos[5], metrics={"loss": float("nan")})
    found.take(infos)
    assert found.lead == "loss"
    ordered = [infos[3], infos[4], *infos[:3], *infos[5:]]
    assert [row.info.run for row in found.shown] == [info.run for info in ordered], "one that is no number is last"
    assert text("metrics", infos[3], "loss") == "0.5      rare nan"
    assert (found.next_metric(), found.next_metric()) == ("rare", "loss")
    found.take([])
    assert (found.lead, found.next_metric(), found.shown) == ("", "", [])


def test_a_run_that_is_as_it_was_keeps_its_row() -> None:
    found = listed()
    before = dict(found.rows)
    infos = [row.info for row in found.rows.values()]
    changed = msgspec.structs.replace(infos[0], state="failed")
    found.take([changed, *(msgspec.structs.replace(info) for info in infos[1:])])
    assert [run for run in before if found.rows[run] is not before[run]] == [infos[0].run]


def test_texts_of_a_run_are_harmless_where_they_are_shown() -> None:
    (info,) = history.earlier(1, "vm")
    wild = {"name": "\x1b[2Jboo\x1b]0;x\x07", "owner": "a\u202eb", "params": {"\x1b[1mk": "\x9b2Jv"}}
    row = run_list.Row(msgspec.structs.replace(info, metrics={"m": 1.5}, **wild))
    assert (row.shown.name, row.shown.owner, row.shown.params) == ("boo", "ab", {"k": "v"})
    assert row.shown.metrics == {"m": 1.5} and row.shown.created == info.created


@pytest.mark.parametrize("width", range(56, 200, 3))
def test_columns_fill_the_width_and_never_more(width: int) -> None:
    places = columns(width)
    needed = sum(room for _, room in places) + 2 * (len(places) - 1)
    ids = [column.id for column, _ in places]
    assert {"state", "name", "created", "took", "metrics"} <= set(ids)
    assert needed <= width or width < 70
    assert width < 70 or needed > width - len(places)
    assert ("owner" in ids) == (width >= 100) and ("engine" in ids) == (width >= 110)
