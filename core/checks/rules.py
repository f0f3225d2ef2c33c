"""Rules over settings of sshd: most checks are rows of them, not functions of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..events import Severity, Status
from .model import Config, Seen, Verdict

Evaluate = Callable[[Seen, Any], Verdict]
Test = Callable[[str, Any], bool]  # (the setting in lower case, the check's value) -> good
WORST: tuple[Status, ...] = ("fail", "unknown", "warn", "skipped", "pass")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def words(config: Config, *keys: str) -> str:
    """All lines of the first keyword that is there, in lower case; "" where none is. Later keywords are older names."""
    return next((" ".join(config[key]).lower() for key in keys if config.get(key)), "")


def is_one_of(*good: str) -> Test:
    """Without words: those of the check's value."""
    return lambda text, value: text in (good or tuple(str(word).lower() for word in _several(value)))


def at_most(most: int | None = None) -> Test:
    """Without a number: the check's value."""
    return lambda text, value: text.isdigit() and int(text) <= (value if most is None else most)


def at_least(least: int | None = None) -> Test:
    return lambda text, value: text.isdigit() and int(text) >= (value if least is None else least)


def between(least: int, most: int | None = None) -> Test:
    """Without `most`: up to the check's value."""
    return lambda text, value: text.isdigit() and least <= int(text) <= (value if most is None else most)


@dataclass(frozen=True)
class Names:
    """A list of names, by commas or spaces: those like the patterns may (`allowed`) or may not be in it."""

    patterns: tuple[str, ...]
    allowed: bool

    def __call__(self, text: str, _: Any) -> bool:
        return not self.wrong(text)

    def wrong(self, text: str) -> list[str]:
        like = {name: any(fnmatchcase(name, pattern) for pattern in self.patterns) for name in _names(text)}
        return [name for name, is_like in like.items() if is_like != self.allowed]


def lacks(*patterns: str) -> Test:
    """None of the names is like one of the patterns."""
    return Names(patterns, allowed=False)


def only(*patterns: str) -> Test:
    """Every name is like one of the patterns."""
    return Names(patterns, allowed=True)


def each_at_most(text: str, value: Any) -> bool:
    """Numbers by colons, as MaxStartups has them: none is more than that of the value, except the rate, the second."""
    numbers, limits = [[int(part) for part in item.split(":")] for item in (text, str(value))]
    return len(numbers) == 3 and numbers[0] <= limits[0] and numbers[1] >= limits[1] and numbers[2] <= limits[2]


def _names(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True)
class Setting:
    """One keyword and what it may be.

    `older`: names that older versions print. `absent`: what it means that this sshd does not print it at all.
    `otherwise`: the status, and `severity`, where the rule does not hold.
    """

    key: str
    good: Test
    older: tuple[str, ...] = ()
    absent: Status = "pass"
    otherwise: Status = "fail"
    severity: Severity | None = None

    def judge(self, config: Config, value: Any) -> Verdict:
        text = words(config, self.key, *self.older)
        if not text:
            return Verdict(self.absent, f"no {self.key}")
        if self.good(text, value):
            return Verdict("pass", f"{self.key} {text}")
        said = ", ".join(self.good.wrong(text)) if isinstance(self.good, Names) else text
        return Verdict(self.otherwise, f"{self.key} {said}", self.severity)


def settings(*rows: Setting, unless: Mapping[str, str] | None = None) -> Evaluate:
    """`unless`: keyword -> value that makes all of it moot."""

    def evaluate(seen: Seen, value: Any) -> Verdict:
        config = seen.config()
        for key, moot in (unless or {}).items():
            if words(config, key) == moot:
                return Verdict("pass", f"{key} {moot}")
        return worst([row.judge(config, value) for row in rows])

    return evaluate


def worst(verdicts: list[Verdict]) -> Verdict:
    """The worst status with all its reasons; where all is well, all that was looked at."""
    status = min((verdict.status for verdict in verdicts), key=WORST.index)
    of = [verdict for verdict in verdicts if verdict.status == status]
    known = [verdict.severity for verdict in of]
    severity = None if None in known else known[0]
    return Verdict(status, "; ".join(dict.fromkeys(verdict.evidence for verdict in of)), severity)
