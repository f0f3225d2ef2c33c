"""Events are valid JSON, and come back as they were."""

from __future__ import annotations

import json
from math import inf, nan

import msgspec
import pytest

from core import events


def _again(event: events.Event) -> events.Event:
    return events.from_json(json.loads(json.dumps(events.to_json(event), allow_nan=False)))


@pytest.mark.parametrize(("value", "written"), [(nan, "NaN"), (inf, "Infinity"), (-inf, "-Infinity"), (0.5, 0.5)])
def test_any_metric_is_valid_json_and_comes_back(value: float, written: object) -> None:
    metric = events.Metric(key="loss", value=value, step=1, time=0.0)
    assert events.to_json(metric)["value"] == written
    assert repr(_again(metric)) == repr(metric)
    ended = events.RunFinished(
        run="R", status="completed", exit_code=None, metrics={"loss": value}, artifacts=[], reason="null"
    )
    assert repr(_again(ended)) == repr(ended)
    info = events.RunInfo(run="R", name="", experiment="", state="failed", created=0.0, metrics={"x": value, "y": 1.0})
    assert repr(_again(events.RunsListed(runs=[info]))) == repr(events.RunsListed(runs=[info]))


def test_a_text_that_reads_like_a_number_stays_text() -> None:
    logged = events.Logged(kind="param", key="lr", value="NaN")
    assert _again(logged) == logged


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        events.from_json({"event": "metric", "key": "loss", "value": "much", "step": 1, "time": 0})
    with pytest.raises(msgspec.ValidationError):
        events.from_json({"event": "nothing"})
