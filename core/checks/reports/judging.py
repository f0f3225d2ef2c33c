"""From which severity on a finding counts, for exit codes and what machines read."""

from __future__ import annotations

from dataclasses import dataclass

from ...events import CheckFinished, Severity
from .changes import SEVERITIES


@dataclass(frozen=True)
class Limits:
    """`unknown`: from which severity on a check that could not be made counts as a failure; None: none does."""

    fail: Severity = "high"
    unknown: Severity | None = "high"

    def broken(self, check: CheckFinished) -> bool:
        limit = {"fail": self.fail, "unknown": self.unknown}.get(check.status)
        return limit is not None and SEVERITIES.index(check.severity) <= SEVERITIES.index(limit)
