"""The reader of a run: bytes, states and metrics once each, however the link cut them up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import AgentError
from core.events import Event, LogText, LogTimes, Metric, Notice, RunFinished, RunStateChanged
from core.runs.follow import FIRST_WAIT_S, LONGEST_WAIT_S, waiting_time
from core.runs.reading import Reading

RUN = "01JD000000000000000000000A"


def feed(reading: Reading, *messages: dict[str, Any] | bytes) -> list[Event]:
    return [event for message in messages for event in reading.take(message)]


def metric(seq: int, run: str, value: float) -> dict[str, Any]:
    logged = {"op": "metric", "run": run, "key": "loss", "value": value, "step": 3, "time": 2.0}
    return {"event": "tracking", "seq": seq, **logged}


def log(offset: int, data: bytes) -> Iterator[dict[str, Any] | bytes]:
    yield {"event": "log", "offset": offset, "size": len(data)}
    yield data


def test_times_that_come_again_after_a_cut_count_once() -> None:
    reading = Reading(RUN)
    events = feed(reading, {"event": "times", "points": [[0, 5.0], [9, 8.5]]}, {"event": "times", "points": []})
    events += feed(reading, {"event": "times", "points": [[0, 5.0], [9, 8.5], [12, 9]]})
    events += feed(reading, {"event": "times", "points": [[0, 5.0], [9, 8.5], [12, 9]]})
    assert events == [LogTimes(run=RUN, points=[(0, 5.0), (9, 8.5)]), LogTimes(run=RUN, points=[(12, 9.0)])]


def end(size: int) -> dict[str, Any]:
    return {"result": {"state": "completed", "reason": "", "exit_code": 0, "log_bytes": size}}


@given(st.binary(max_size=80), st.lists(st.integers(1, 9), max_size=40))
def test_cut_anywhere_the_text_is_whole_and_offsets_are_bytes(data: bytes, sizes: list[int]) -> None:
    reading, events, at = Reading(RUN), [], 0
    for size in [*sizes, len(data)]:
        chunk = data[at : at + size]
        events += feed(reading, *log(at, chunk)) if chunk else []
        at += len(chunk)
    events += feed(reading, end(len(data)))
    texts = [event for event in events if isinstance(event, LogText)]
    assert "".join(event.text for event in texts) == data.decode(errors="replace")
    position = 0
    for event in texts:
        assert event.offset == position
        assert event.text == data[position : position + event.size].decode(errors="replace")
        position += event.size
    assert position == len(data)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_bytes_that_come_again_after_a_cut_count_once(data: bytes, draw: st.DataObject) -> None:
    cut = draw.draw(st.integers(0, len(data)))
    again = draw.draw(st.integers(0, cut))
    reading = Reading(RUN)
    events = feed(reading, *log(0, data[:cut])) if cut else []
    events += feed(reading, *log(again, data[again:]), end(len(data)))
    assert "".join(event.text for event in events if isinstance(event, LogText)) == data.decode(errors="replace")


def test_a_hole_in_the_log_is_said() -> None:
    reading = Reading(RUN)
    feed(reading, *log(0, b"abc"))
    events = feed(reading, *log(10, b"xyz"))
    assert events == [
        Notice(text="7 bytes of the log are missing on the VM", level="warning"),
        LogText(offset=10, text="xyz", size=3),
    ]


@pytest.mark.parametrize(("state", "said"), [("failed", 1), ("completed", 0), ("cancelled", 0)])
def test_a_job_that_failed_for_want_of_a_network_is_explained(state: str, said: int) -> None:
    text = b"urlopen error [Errno -3] Temporary failure in name resolution\n"
    result = {"state": state, "reason": "exit code 1", "exit_code": 1, "log_bytes": len(text)}
    reading = Reading(RUN)
    events = feed(reading, *log(0, text[:40]), *log(40, text[40:]), {"result": result})
    notices = [event for event in events if isinstance(event, Notice)]
    assert [event.level for event in notices] == ["warning"] * said
    assert all("a job has no network" in event.text and "name resolution" in event.text for event in notices)
    assert isinstance(events[-1], RunFinished)


def test_a_job_that_failed_for_another_reason_is_not() -> None:
    result = {"state": "failed", "reason": "exit code 1", "exit_code": 1, "log_bytes": 11}
    assert not any(
        isinstance(event, Notice) for event in feed(Reading(RUN), *log(0, b"ValueError\n"), {"result": result})
    )


def test_an_end_before_the_whole_log_came_is_an_error() -> None:
    with pytest.raises(AgentError, match="the log ended at byte 0 of 5"):
        feed(Reading(RUN), end(5))


def test_states_and_metrics_that_come_again_count_once() -> None:
    reading = Reading(RUN)
    state = {"event": "state", "seq": 1, "state": "running", "time": 2.0, "reason": "", "exit_code": None}
    once = metric(1, RUN, 0.5)
    assert feed(reading, state, once, state, once) == [
        RunStateChanged(run=RUN, state="running", time=2.0),
        Metric(key="loss", value=0.5, step=3, time=2.0),
    ]
    assert reading.cursor == 1


def test_the_end_holds_the_last_metrics_and_the_artifacts_of_the_run_itself() -> None:
    artifact = {"event": "tracking", "seq": 4, "op": "artifact", "run": RUN, "path": "a.png", "bytes": 1, "sha256": "x"}
    reading = Reading(RUN)
    events = feed(reading, metric(1, RUN, 0.5), metric(2, RUN, 0.25), metric(3, "child", 9.0), artifact, end(0))
    assert events[2] == Metric(key="loss", value=9.0, step=3, time=2.0, run="child")
    assert events[-1] == RunFinished(
        run=RUN, status="completed", exit_code=0, metrics={"loss": 0.25}, artifacts=["a.png"]
    )


def test_the_first_points_of_a_metric_logged_again_for_a_model_are_not_its_last() -> None:
    first, last = {**metric(1, RUN, 0.5), "step": 0}, {**metric(2, RUN, 0.25), "step": 9}
    linked = {**first, "seq": 3, "model_id": "m-1"}
    reading = Reading(RUN)
    *events, finished = feed(reading, first, last, linked, end(0))
    assert [event.step for event in events if isinstance(event, Metric)] == [0, 9]
    assert isinstance(finished, RunFinished) and finished.metrics == {"loss": 0.25}


def test_waiting_grows_to_thirty_seconds_and_is_never_the_same_for_all() -> None:
    assert all(0 <= waiting_time(0) <= FIRST_WAIT_S for _ in range(200))
    long = [waiting_time(50) for _ in range(200)]
    assert max(long) <= LONGEST_WAIT_S and max(long) - min(long) > 10
