"""Which checks are made, how strictly, and what a site has decided otherwise."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..events import CheckFinished, Severity
from . import policy
from .catalogue import BY_ID, CATALOGUE
from .fix import Value
from .model import Check, Seen

if TYPE_CHECKING:
    from ..site.schema import Accepted, Checks


@dataclass(frozen=True)
class Override:
    """What a profile says of a check otherwise than the catalogue."""

    value: Value = None
    severity: Severity | None = None
    off: bool = False


OFF = Override(off=True)
# What CIS's benchmark does not ask for is off, except for what is a hole whatever the benchmark.
CIS: Mapping[str, Override] = {
    **dict.fromkeys(
        (
            "password-auth",
            "kbd-interactive",
            "kex-pq",
            "kex-nistp",
            "gex-moduli",
            "rsa-hostkey-size",
            "cipher-order",
            "compression-preauth",
            "dheat",
            "banner-leak",
            "requiredrsasize",
            "authmethods",
        ),
        OFF,
    ),
    "forwarding-tcp": Override(value="none"),
    "logging": Override(value=("INFO", "VERBOSE")),
    "maxauthtries": Override(value=4),
    "logingracetime": Override(value=60),
    "sshd-config-perm": Override(severity="high"),
}
# "Hardened Ubuntu Server 24.04 LTS (version 2)" of ssh-audit 3.9.
SSH_AUDIT: Mapping[str, Override] = {
    "rsa-hostkey-size": Override(value=4096),
    "requiredrsasize": Override(value=3072),
    "gex-moduli": Override(value=3072),
    "kex-pq": Override(severity="high"),
    "kex-nistp": Override(severity="high"),
    "mac-weak": Override(severity="high"),
    "cipher-order": Override(
        value=(
            "chacha20-poly1305@openssh.com",
            "aes256-gcm@openssh.com",
            "aes256-ctr",
            "aes192-ctr",
            "aes128-gcm@openssh.com",
            "aes128-ctr",
        ),
        severity="medium",
    ),
}
PROFILES: Mapping[str, Mapping[str, Override]] = {
    "pattern": {},
    "cis-ubuntu-24.04": CIS,
    "ssh-audit-hardened": SSH_AUDIT,
}


RATE = re.compile(r"\d+:\d+:\d+", re.ASCII)  # as MaxStartups has them


@dataclass(frozen=True)
class Row:
    """A check as this site makes it. `off`: who has switched it off, or ""."""

    check: Check
    off: str = ""
    accepted: Accepted | None = None

    def run(self, seen: Seen, today: datetime.date) -> CheckFinished:
        """An accepted finding is `skipped` through its last day; afterwards it is what it is, and says so."""
        if self.off:
            return _skipped(self.check, self.off)
        found = self.check.run(seen)
        return found if self.accepted is None else _accepted(found, self.accepted, today)


def judged(found: CheckFinished, settings: Checks, today: datetime.date) -> CheckFinished:
    """A finding of another group than the catalogue's, as the site has switched it off or accepted it."""
    if found.id in settings.off:
        return _changed(found, status="skipped", evidence="switched off by the site file", fix="")
    accepted = settings.accepted.get(found.id)
    return found if accepted is None else _accepted(found, accepted, today)


def _accepted(found: CheckFinished, accepted: Accepted, today: datetime.date) -> CheckFinished:
    """Skipped through the last day; afterwards it is what it is, and says so."""
    if found.status not in ("fail", "warn", "unknown"):
        return found
    until = accepted.until.isoformat()
    if today > accepted.until:
        evidence = f"{found.evidence}; {accepted.owner} accepted it until {until}, which is over"
        return _changed(found, evidence=evidence)
    who = {"owner": accepted.owner, "reason": accepted.reason, "until": until, "status": found.status}
    return _changed(found, status="skipped", accepted=who)


def _changed(found: CheckFinished, **changes: Any) -> CheckFinished:
    import msgspec

    return msgspec.structs.replace(found, **changes)


def _skipped(check: Check, why: str) -> CheckFinished:
    return CheckFinished(
        id=check.id,
        group=check.group,
        title=check.title,
        status="skipped",
        severity=check.severity,
        evidence=why,
        expected=check.expectation,
        sources=list(check.sources),
    )


def rows(settings: Checks) -> list[Row]:
    """Every check of the catalogue, in its order, as the site's profile and its own words have it."""
    profile = PROFILES[settings.profile]
    found = []
    for check in CATALOGUE:
        override = profile.get(check.id, Override())
        value: Any = settings.values.get(check.id, override.value)
        changed = replace(
            check,
            value=check.value if value is None else _as(check.value, value),
            severity=override.severity or check.severity,
        )
        off = f"switched off by the profile {settings.profile}" if override.off else ""
        off = "switched off by the site file" if check.id in settings.off else off
        found.append(Row(changed, off, settings.accepted.get(check.id)))
    checks = {row.check.id: row.check for row in found}
    return [_asking(row, checks) for row in found]


def _asking(row: Row, checks: Mapping[str, Check]) -> Row:
    """One that asks others asks them with this site's values: those too that are off, so that none counts unseen."""
    if row.check.evaluate is not policy.password_login:
        return row
    return replace(row, check=replace(row.check, evaluate=partial(policy.password_login, checks=checks)))


def _as(like: Value, value: Any) -> Value:
    """A list, or one word in place of one, where the check has a list."""
    if isinstance(like, tuple):
        return (value,) if isinstance(value, str) else tuple(value)
    result: Value = value
    return result


def problems(settings: Checks) -> Iterator[str]:
    """What is wrong with [checks] in a site file, each as `key: what`."""
    if settings.profile not in PROFILES:
        yield f"checks.profile: there is no profile {settings.profile!r} (there is: {', '.join(PROFILES)})"
    for id in settings.off:
        if not _known(id):
            yield f"checks.off: there is no check {id!r}"
    for id, value in settings.values.items():
        wrong = _wrong_value(id, value)
        if wrong:
            yield f"checks.values.{id}: {wrong}"
    for id, accepted in settings.accepted.items():
        if not _known(id):
            yield f"checks.accepted.{id}: there is no check {id!r}"
        for key in ("owner", "reason"):
            if not getattr(accepted, key).strip():
                yield f"checks.accepted.{id}.{key}: it has to say something"


def _known(id: str) -> bool:
    from ..data import links

    return id in BY_ID or id in links.IDS


def _wrong_value(id: str, value: Any) -> str:
    check = BY_ID.get(id)
    if check is None:
        return f"there is no check {id!r}"
    if check.value is None:
        return "this check has no value that can be set; it can be switched off, or its finding accepted"
    if isinstance(check.value, int):
        return "" if isinstance(value, int) else "a whole number"
    lines = [value] if isinstance(value, str) else value if isinstance(check.value, tuple) else None
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        return "a list of words" if isinstance(check.value, tuple) else "a text"
    if not all(line.isprintable() for line in lines):
        return "one line: another one would be a setting of its own"
    rate = isinstance(check.value, str) and RATE.fullmatch(check.value) and not RATE.fullmatch(lines[0])
    return f"three numbers by colons, as {check.value}" if rate else ""
