"""Metrics for Prometheus, in its text format 0.0.4: what node_exporter's textfile collector reads.

Source of names and escapes: prometheus.io/docs/instrumenting/exposition_formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .record import Report
from .text import GLYPHS, clean

HELP: Mapping[str, str] = {
    "trainshed_check_up": "1 where the checks were made, 0 where the VM could not be reached.",
    "trainshed_check_status": "1 for the status that each check has.",
    "trainshed_check_count": "Checks by status.",
    "trainshed_check_started_seconds": "When the checks began, in seconds since the epoch.",
    "trainshed_check_duration_seconds": "How long the checks took.",
}


def write(report: Report) -> str:
    site = {"site": report.site, "vm": report.vm}
    values = {
        "trainshed_check_up": [(site, 1.0)],
        "trainshed_check_status": [
            ({**site, "id": check.id, "severity": check.severity, "status": check.status}, 1.0)
            for check in report.checks
        ],
        "trainshed_check_count": [({**site, "status": name}, float(report.counts.get(name, 0))) for name in GLYPHS],
        "trainshed_check_started_seconds": [(site, report.started)],
        "trainshed_check_duration_seconds": [(site, report.duration_s)],
    }
    return "".join(line + "\n" for name, rows in values.items() for line in _metric(name, rows))


def unmade(site: str, vm: str) -> str:
    """What is handed over where the checks could not be made, so that an alert can be raised on it."""
    return "".join(line + "\n" for line in _metric("trainshed_check_up", [({"site": site, "vm": vm}, 0.0)]))


def _metric(name: str, rows: list[tuple[dict[str, str], float]]) -> Iterator[str]:
    yield f"# HELP {name} {HELP[name]}"
    yield f"# TYPE {name} gauge"
    for labels, value in rows:
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield f"{name}{{{inside}}} {value:g}" if value < 1e6 else f"{name}{{{inside}}} {value:.3f}"


def _escaped(text: str) -> str:
    return clean(text).replace("\\", r"\\").replace('"', r"\"")
