"""The findings as a list that people filter: by severity, the worst first; what is as it should be comes last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from core.checks.reports.changes import SEVERITIES
from core.checks.reports.record import FINDINGS, REST, findings
from core.events import CheckChange, CheckFinished


@dataclass
class CheckList:
    """`filter`: its words all have to be in a check: in its status, severity, group, id, title or evidence.

    The word `changed` stands for what differs from the last time.
    """

    found: dict[str, CheckFinished] = field(default_factory=dict)
    changes: dict[str, CheckChange] = field(default_factory=dict)
    filter: str = ""

    def add(self, check: CheckFinished) -> None:
        self.found[check.id] = check

    def compare(self, changes: Iterable[CheckChange]) -> None:
        self.changes = {change.id: change for change in changes}

    def clear(self) -> None:
        """All but the filter."""
        self.found, self.changes = {}, {}

    def shown(self) -> Iterator[tuple[str, list[CheckFinished]]]:
        """Each heading with what is below it; those with nothing are left out."""
        wanted = [check for check in self.found.values() if self._has(check)]
        bad = findings(wanted)
        for severity in SEVERITIES:
            rows = [check for check in bad if check.severity == severity]
            if rows:
                yield f"{severity.capitalize()} ({len(rows)})", rows
        for status, title in REST:
            rows = [check for check in wanted if check.status == status]
            if rows:
                yield f"{title} ({len(rows)})", rows

    def worst(self) -> CheckFinished | None:
        """The first that fails, else the first that is no pass."""
        bad = findings(self.found.values())
        return min(bad, key=lambda check: FINDINGS.index(check.status), default=None)

    def _has(self, check: CheckFinished) -> bool:
        changed = "changed" if check.id in self.changes else ""
        parts = (check.status, check.severity, check.group, check.id, check.title, check.evidence, changed)
        text = "\n".join(parts).lower()
        return all(word in text for word in self.filter.lower().split())
