"""The report as the JSON document of `check --json`: what `--baseline` reads."""

from __future__ import annotations

import json

from .record import Report, document


def write(report: Report) -> str:
    return json.dumps({"schema": 1, **document(report)}, indent=2, allow_nan=False) + "\n"
