"""A fix without what is stricter already: a value of the site's own stays where the check takes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ...events import Status
from ..catalogue.passwords import FAILLOCK, PWQUALITY
from ..fix import Fix
from ..model import Check, Seen, value

RANK: Mapping[Status, int] = {"pass": 0, "skipped": 0, "warn": 1, "unknown": 2, "fail": 3}
LISTS = {"KexAlgorithms", "Ciphers", "MACs"}
STARTUPS = "MaxStartups"
LOCK = {"control": "required", "module": "pam_faillock.so", "args": ["preauth", "authfail"]}
WIRED = {
    "passwd": [{"type": "password", "control": "required", "module": "pam_pwquality.so", "args": []}],
    "sshd": [{**LOCK, "type": kind} for kind in ("auth", "account")],
}
SECTIONS = {PWQUALITY: "pwquality", FAILLOCK: "faillock"}  # of the section `passwords`, by the file that sets them


def needed(check: Check, seen: Seen) -> Fix:
    """The check's fix, where only what the check demands differs from what is there."""
    fix, now = _narrowed(check, seen), RANK[check.run(seen).status]
    seen = _wired(fix, seen)
    whole = _rank(check, fix, seen)
    if whole >= now:
        return fix  # it is judged by what the server does, not by what is set
    for less in _fewer(fix, seen):
        both = less(fix)
        if _rank(check, both, seen) <= whole:
            fix = both
    return fix


def _narrowed(check: Check, seen: Seen) -> Fix:
    """Lists of algorithms without those that the server does not offer now, or that the site's list does not have.

    Numbers of a rate are no looser than those that are there.
    """
    config = seen.config() if seen.has("sshd") else {}
    fix = check.fixed
    settings = dict(fix.settings)
    for keyword in LISTS.intersection(settings) - set(fix.firm):
        there = value(config, keyword.lower()).split(",")
        names = settings[keyword].split(",")
        allowed = [name for name in names if name in check.value] if isinstance(check.value, tuple) else names
        left = [name for name in allowed if name.lower() in there] or allowed
        if left:
            settings[keyword] = ",".join(left)
    if STARTUPS in settings:
        settings[STARTUPS] = _tighter(settings[STARTUPS], value(config, STARTUPS.lower()))
    return replace(fix, settings=settings)


def _tighter(rates: str, there: str) -> str:
    """Of start:rate:full each number that lets fewer in; a higher rate refuses more."""
    ours, theirs = [[int(part) for part in text.split(":") if part.isdigit()] for text in (rates, there)]
    if len(ours) != 3 or len(theirs) != 3:
        return rates
    return f"{min(ours[0], theirs[0])}:{max(ours[1], theirs[1])}:{min(ours[2], theirs[2])}"


def _wired(fix: Fix, seen: Seen) -> Seen:
    """As if PAM had the module that reads the fix's files: where it has not, what is stricter in them stays too."""
    if not fix.files or not seen.has("passwords"):
        return seen
    section = seen.section("passwords")
    pam = {service: [*section["pam"][service], *lines] for service, lines in WIRED.items()}
    return replace(seen, host={**seen.host, "passwords": {**section, "pam": pam}})


class _Without:
    """Takes one part out of a fix: a keyword, or a line of a file."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __call__(self, fix: Fix) -> Fix:
        settings = {keyword: text for keyword, text in fix.settings.items() if keyword != self._part}
        files = {path: tuple(line for line in lines if line != self._part) for path, lines in fix.files.items()}
        return replace(fix, settings=settings, files={path: lines for path, lines in files.items() if lines})


def _fewer(fix: Fix, seen: Seen) -> Iterator[_Without]:
    """For each part that is there with another value."""
    config = seen.config() if seen.has("sshd") else {}
    for keyword, text in fix.settings.items():
        if keyword not in fix.firm and value(config, keyword.lower()) not in ("", text.lower()):
            yield _Without(keyword)
    for path, lines in fix.files.items():
        yield from (_Without(line) for line in lines if path in SECTIONS)


def _rank(check: Check, fix: Fix, seen: Seen) -> int:
    return RANK[check.run(_done(fix, seen)).status]


def _done(fix: Fix, seen: Seen) -> Seen:
    """What would be seen after the fix, as far as it is told by what is set."""
    host = dict(seen.host)
    if seen.has("sshd"):
        lines = {keyword.lower(): [text] for keyword, text in fix.settings.items()}
        both = {name: {**host["sshd"][name], **lines} for name in ("config", "root_config")}
        host["sshd"] = {**host["sshd"], **both}
    if seen.has("passwords"):
        host["passwords"] = dict(host["passwords"])
        for path, name in SECTIONS.items():
            pairs = [line.partition(" = ") for line in fix.files.get(path, ())]
            host["passwords"][name] = {**host["passwords"][name], **{key: text or "1" for key, _, text in pairs}}
    return replace(seen, host=host)
