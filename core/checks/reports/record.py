"""`Report`: what one `trainshed check` found. Its JSON is the document that `check --json` prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ... import events
from ...errors import UsageError
from ...events import CheckChange, CheckFinished
from .changes import SEVERITIES, changes

FINDINGS = ("fail", "warn", "unknown")  # the worst first
LARGEST = 50_000_000  # bytes of a baseline
LATEST = 253_402_300_000  # seconds since the epoch: in the year 9999


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`started` and `since` in seconds since the epoch; `since` is that of what `changes` compares with."""

    site: str
    vm: str = ""
    started: float
    duration_s: float
    counts: dict[str, int] = {}
    checks: list[CheckFinished] = []
    since: float | None = None
    changes: list[CheckChange] = []


def of(
    site: str, vm: str, ended: events.ChecksFinished, checks: Iterable[CheckFinished], baseline: Report | None = None
) -> Report:
    """`baseline`: what the changes are told against; where there is none, the last time that this client checked."""
    found = list(checks)
    if baseline is not None and not {check.group for check in baseline.checks} & {check.group for check in found}:
        baseline = None  # the last time looked at something else
    return Report(
        site=site,
        vm=vm,
        started=ended.started,
        duration_s=ended.duration_s,
        counts=ended.counts,
        checks=found,
        since=baseline.started if baseline else ended.since,
        changes=changes(baseline.checks, found) if baseline else ended.changes,
    )


def document(report: Report) -> dict[str, object]:
    """What `check --json` prints, without its schema's number; `changes` only where there was an earlier time."""
    whole: dict[str, object] = msgspec.to_builtins(report)
    whole["checks"] = [_row(check) for check in report.checks]
    if report.since is None:
        del whole["since"], whole["changes"]
    return whole


def _row(check: CheckFinished) -> dict[str, object]:
    row: dict[str, object] = msgspec.to_builtins(check)
    return {key: value for key, value in row.items() if key != "event"}


def read(path: Path) -> Report:
    """A report in JSON, of `--report FILE.json` or `check --json`. Raises UsageError."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"the baseline cannot be read: {path}: {error.strerror}") from None
    if len(text) > LARGEST:
        raise UsageError(f"{path} is no report of ours: it is larger than {LARGEST // 1_000_000} MB")
    try:
        return parse(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        hint = "a baseline is what `trainshed check --report FILE.json` wrote"
        raise UsageError(f"{path} is no report in JSON: {error}", hint=hint) from None


def parse(text: bytes) -> Report:
    """Raises MsgspecError."""
    whole = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    rows = msgspec.json.decode(whole.pop("checks", msgspec.Raw(b"[]")), type=list[dict[str, msgspec.Raw]])
    tagged = [{**row, "event": msgspec.Raw(b'"check.finished"')} for row in rows]
    report = msgspec.json.decode(msgspec.json.encode({**whole, "checks": tagged}), type=Report)
    if not 0 <= report.started < LATEST:
        raise msgspec.ValidationError("`started` is no time")
    return report


CLOSING: Mapping[str, Callable[[CheckFinished], bool]] = {
    "Accepted": lambda check: check.accepted is not None,
    "Not judged": lambda check: check.status == "skipped" and check.accepted is None,
    "As it should be": lambda check: check.status == "pass",
}


def closing(checks: Sequence[CheckFinished]) -> Iterator[tuple[str, list[CheckFinished]]]:
    """What is no finding, below its heading."""
    for title, belongs in CLOSING.items():
        rows = [check for check in checks if belongs(check)]
        if rows:
            yield title, rows


def findings(checks: Iterable[CheckFinished]) -> list[CheckFinished]:
    """What is not as it should be: by severity, then by status, else in the order of the catalogue."""
    found = [check for check in checks if check.status in FINDINGS]
    return sorted(found, key=lambda check: (SEVERITIES.index(check.severity), FINDINGS.index(check.status)))
