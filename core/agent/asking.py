"""Asks a served model for one prediction, on a row of staged data that never leaves the VM."""

from __future__ import annotations

import http.client
import json
import os
import time
from typing import Any, Dict, Optional

from . import instances, keeper, rows, unix_http
from .call import Call
from .faults import Fault

TIMEOUT = 60.0  # seconds for one prediction
SHOWN = 200  # characters of a prediction


def invoke(call: Call, service: str, row: int, data: Dict[str, str], target: Optional[str] = None) -> Dict[str, Any]:
    """`row`: 0 is the first below the header; `data`: {"digest", "file"}; `target`: the label's column, or None.

    Answers with the prediction and whether it is right, never with the row. Raises Fault.
    """
    base = instances.find(call.root, service)
    picked = rows.pick(rows.find(call.root, data["digest"], data.get("file") or ""), row, target)
    state = instances.info(base, instances.current(base))
    if state["state"] != "healthy":
        reason = "service %s is %s" % (service, state["state"])
        raise Fault("service", reason + (": " + state["reason"] if state["reason"] else ""), "trainshed deploy MODEL")
    body = json.dumps({"dataframe_split": {"columns": picked.columns, "data": [picked.cells]}}).encode("utf-8")
    began = time.monotonic()
    status, answer = _post(base, service, body)
    duration = time.monotonic() - began
    prediction = _prediction(base, service, status, answer)
    return {
        "prediction": _text(prediction),
        "expected": picked.expected,
        "correct": rows.same(prediction, picked.expected),
        "duration_s": duration,
    }


def _post(base: str, service: str, body: bytes) -> "tuple[int, bytes]":
    try:
        return unix_http.request(_socket(base), "POST", "/invocations", body, TIMEOUT)
    except (OSError, http.client.HTTPException) as error:
        reason = "service %s did not answer (%s)" % (service, type(error).__name__)
        raise Fault("service", reason, "its log on the VM: %s" % _log(base)) from None


def _socket(base: str) -> str:
    return instances.socket_of(base, instances.current(base))


def _log(base: str) -> str:
    return instances.path(base, instances.current(base), keeper.LOG)


def _prediction(base: str, service: str, status: int, answer: bytes) -> Any:
    """The one prediction. What a refusal says can quote the row, so it stays on the VM."""
    try:
        found = json.loads(answer.decode("utf-8"))
        predictions = found["predictions"] if status == 200 else None
        first = predictions[0] if isinstance(predictions, list) else _only(predictions)
        json.dumps(first)
        return first
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        pass
    kept = instances.path(base, instances.current(base), "refused.txt")
    with open(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(answer[: 1 << 20])
    raise Fault("service", "service %s refused the row (HTTP %d)" % (service, status), "why is on the VM: %s" % kept)


def _only(predictions: Any) -> Any:
    """Where a model answers by output name: the first row of each."""
    return {name: values[0] if isinstance(values, list) else values for name, values in predictions.items()}


def _text(prediction: Any) -> str:
    text = prediction if isinstance(prediction, str) else json.dumps(prediction)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
