"""What differs between two times the same VM was checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from ...data.links import NOT_TRIED
from ...events import CheckChange, CheckFinished, Severity, Status

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")  # the worst first
Kind = Literal["new", "worse", "better", "gone", "other"]
ORDER: tuple[Kind, ...] = get_args(Kind)
RANK: dict[Status, int] = {"pass": 0, "skipped": 0, "unknown": 1, "warn": 2, "fail": 3}


def changes(before: Iterable[CheckFinished], now: Iterable[CheckFinished]) -> list[CheckChange]:
    """New and worse findings first, then what is better or gone, then what is only told otherwise.

    A check that either time did not make at all is no change, unless it is a finding that is new in its group. One that
    could not be made, as what comes before it is broken, says nothing: its finding is not gone.
    """
    old = {check.id: check for check in before if made(check)}
    groups = {check.group for check in old.values()}
    found = [_change(old.get(check.id), check) for check in now if made(check) and check.group in groups]
    return sorted((change for change in found if change), key=lambda change: ORDER.index(change.kind))


def made(check: CheckFinished) -> bool:
    return check.status != "skipped" or not check.evidence.startswith(NOT_TRIED)


def _change(was: CheckFinished | None, now: CheckFinished) -> CheckChange | None:
    kind = _kind(was, now)
    if kind is None:
        return None
    return CheckChange(id=now.id, title=now.title, kind=kind, was=was.status if was else None, now=now.status)


def _kind(was: CheckFinished | None, now: CheckFinished) -> Kind | None:
    before, after = _rank(was), _rank(now)
    if before == after:
        return "other" if was is not None and after[0] and was.evidence != now.evidence else None
    if not before[0]:
        return "new" if after[0] else None
    if not after[0]:
        return "gone"
    return "worse" if after > before else "better"


def _rank(check: CheckFinished | None) -> tuple[int, int]:
    """(0, 0) for whatever is no finding."""
    if check is None or not RANK[check.status]:
        return 0, 0
    return RANK[check.status], -SEVERITIES.index(check.severity)
