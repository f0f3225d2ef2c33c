"""What the agent says of a staging is read strictly; how it is told is short."""

from __future__ import annotations

from typing import Any

import pytest

from core import events
from core.data import staging
from core.errors import AgentError
from tui import words

RESULT = {
    "digest": "a" * 64, "path": "a/", "files": 2, "bytes": 10, "staged": 1.5, "used": 1.5, "listing": "b" * 64,
    "reused": False, "fetched": 4, "linked": 6, "api_version": None,
}  # fmt: skip


def test_what_is_said_on_the_way_and_at_the_end() -> None:
    far = staging.said({"event": "progress", "done": 5, "total": 10, "unit": "bytes", "rate": 2, "left_s": 2.5})
    left = staging.said({"event": "progress", "done": 0, "total": 3, "unit": "items"})
    assert isinstance(left, events.Progress) and (left.title, left.unit) == (staging.LEFT, "items")
    assert far == events.Progress(title="Staging", done=5, total=10, rate=2.0, left_s=2.5)
    assert words.amount(far) == "5 B of 10 B, 2 B/s, 2 s left"
    assert staging.said({"event": "notice", "text": "busy"}) == events.Notice(text="busy", level="warning")
    assert staging.said({"event": "of a later agent"}) is None and staging.said({"result": {}}) is None
    ended = staging.staged(staging.result({"result": RESULT}), 0.5)
    assert (ended.fetched, ended.linked, ended.listing, ended.data.digest) == (4, 6, "b" * 64, "a" * 64)
    assert words.how_staged(ended) == "staged in 500 ms: 4 B fetched, 6 B linked"
    known = staging.staged(staging.result({"result": {**RESULT, "reused": True, "fetched": 0, "linked": 10}}), 0.5)
    assert words.how_staged(known) == "was there already: nothing was fetched"


@pytest.mark.parametrize(
    "message",
    [
        {"event": "progress", "done": -1, "total": 10},
        {"event": "progress", "done": "5", "total": 10},
        {"event": "progress", "done": 5},
        {"event": "progress", "done": 5, "total": 10, "rate": float("nan")},
        {"event": "progress", "done": 5, "total": 10, "left_s": float("inf")},
        {"event": "notice", "text": ["a"]},
        {"event": "notice", "text": "a" * 2000},
    ],
)
def test_what_is_none_of_that_is_one_clear_error(message: dict[str, Any]) -> None:
    with pytest.raises(AgentError, match=r"what the VM tells of its data|answer about its data"):
        staging.said(message)


@pytest.mark.parametrize(
    "wrong",
    [
        {"digest": "../../x"},
        {"digest": "A" * 64},
        {"files": -1},
        {"bytes": 1.5},
        {"reused": 1},
        {"staged": None},
        {"path": 1},
    ],
)
def test_a_result_that_is_none_is_one_clear_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(AgentError, match=r"what the VM tells of its data|answer about its data"):
        staging.result({"result": {**RESULT, **wrong}})
