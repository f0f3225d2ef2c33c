"""What a fix of some checks asks the VM for, and what is left to a person."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...errors import UsageError
from ...events import CheckFinished, FixedFile, FixedMode, FixItem, FixPlanned
from ..fix import Fix
from ..model import Check, Seen
from ..profiles import Row
from ..reports.changes import SEVERITIES
from .needed import needed
from .others import shut_out
from .refusals import Ours, refusals

BAD = ("fail", "warn", "unknown")


@dataclass
class Wanted:
    """What the agent is asked for, and why some of it is not even asked."""

    found: list[tuple[Check, CheckFinished]]
    settings: dict[str, str] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    fixes: dict[str, Fix] = field(default_factory=dict)  # of each check, without what is stricter already

    @property
    def checks(self) -> list[str]:
        return [check.id for check, _ in self.found]

    def request(self) -> dict[str, Any]:
        """For the agent."""
        return {"settings": self.settings, "modes": self.modes, "files": self.files, "checks": self.checks}


def chosen(rows: Sequence[Row], seen: Seen, ids: Sequence[str]) -> list[tuple[Check, CheckFinished]]:
    """Each with its finding, in the catalogue's order: the named ones, or all that fail. Raises UsageError.

    What the site has switched off or accepted is fixed where it is named.
    """
    unknown = set(ids) - {row.check.id for row in rows}
    if unknown:
        raise UsageError(f"there is no check {min(unknown)!r} of the SSH server", hint="trainshed check ssh lists them")
    if ids:
        return [(row.check, row.check.run(seen)) for row in rows if row.check.id in ids]
    today = datetime.date.today()
    found = [(row.check, row.run(seen, today)) for row in rows]
    return [(check, finding) for check, finding in found if finding.status in ("fail", "warn")]


def wanted(found: list[tuple[Check, CheckFinished]], seen: Seen, ours: Ours) -> Wanted:
    """Checks that pass ask for nothing, and others for what they lack: a stricter value of the site's own stays."""
    want = Wanted(found)
    for check, finding in found:
        if finding.status not in BAD:
            continue
        fix = want.fixes[check.id] = needed(check, seen)
        for keyword, value in fix.settings.items():
            want.settings[keyword] = value if keyword in fix.firm else want.settings.get(keyword, value)
        for kind, most in fix.modes.items():
            want.modes[kind] = most & want.modes.get(kind, 0o777)
        for path, lines in fix.files.items():
            want.files[path] = [*want.files.get(path, []), *lines]
    want.refused = refusals(want.settings, ours)
    want.settings = {keyword: value for keyword, value in want.settings.items() if keyword not in want.refused}
    return want


def items(want: Wanted, answer: Mapping[str, Any]) -> list[FixItem]:
    """One for each check, the worst finding first, with what the agent refused as well."""
    refused = {**want.refused, **answer["refused"]}
    written = {**want.settings, **answer["settings"]}
    others = dict(shut_out(answer))
    found = [_item(_together(want, check, written), finding, refused, others) for check, finding in want.found]
    return sorted(found, key=lambda item: SEVERITIES.index(item.severity))


def _together(want: Wanted, check: Check, written: Mapping[str, str]) -> Fix:
    """The check's fix, with the values that are written where another check, or the server's own, has a say too."""
    fix = want.fixes.get(check.id, check.fixed)
    return replace(fix, settings={key: written.get(key, text) for key, text in fix.settings.items()})


def _item(fix: Fix, finding: CheckFinished, refused: Mapping[str, str], others: Mapping[str, str]) -> FixItem:
    settings = {keyword: value for keyword, value in fix.settings.items() if keyword not in refused}
    reasons = [
        f"{keyword} {fix.settings[keyword]}: {refused[keyword]}" for keyword in fix.settings if keyword in refused
    ]
    if fix.modes:
        reasons += [reason for key, reason in refused.items() if key.startswith("/")]
    if finding.status not in BAD:
        return _made(finding, "right", reason=finding.evidence)
    if not fix.automatic:
        return _made(finding, "by hand", by_hand=list(fix.by_hand))
    if not settings and not fix.modes and not fix.files:
        return _made(finding, "refused", reason="; ".join(reasons), by_hand=list(fix.by_hand))
    reasons = [*fix.beside, *reasons, *dict.fromkeys(others[keyword] for keyword in settings if keyword in others)]
    return _made(finding, "fix", settings=settings, reason="; ".join(reasons), by_hand=list(fix.by_hand))


def _made(finding: CheckFinished, status: Any, **more: Any) -> FixItem:
    return FixItem(id=finding.id, title=finding.title, severity=finding.severity, status=status, **more)


def planned(vm: str, listed: list[FixItem], answer: Mapping[str, Any], seconds: float) -> FixPlanned:
    """The event of what the agent answered."""
    return FixPlanned(
        vm=vm,
        items=listed,
        files=[FixedFile(path=file["path"], diff=file["diff"]) for file in answer["files"]],
        modes=[FixedMode(**mode) for mode in answer["modes"]],
        commands=list(answer["commands"]),
        config=answer["config"],
        digest=answer["digest"],
        revert_by=answer["revert_by"],
        revert_s=seconds,
        undoes=answer["undoes"],
    )
