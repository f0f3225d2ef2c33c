"""What is searched in a log, or filtered by: plain text or a regular expression, which may not take for ever."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from .log_text import SHOWN

LIMIT_S = 0.15  # of the processor, for one slice of a log


class Unsearchable(Exception):
    """Why this cannot be searched for, in words."""


class Matcher:
    """Case counts only where a capital is typed. Raises Unsearchable for what is no regular expression."""

    def __init__(self, wanted: str, *, regex: bool = False) -> None:
        self.wanted, self.regex = wanted, regex
        letters = re.sub(r"\\.", "", wanted) if regex else wanted
        self.cased = letters != letters.lower()
        self._plain = wanted if self.cased else wanted.lower()
        as_bytes = not regex and (self.cased or wanted.isascii())
        self._bytes = self._plain.encode("utf-8", "replace") if as_bytes else b""
        if not regex:
            self._find = re.compile(re.escape(wanted), 0 if self.cased else re.IGNORECASE)
            return
        try:
            self._find = re.compile(wanted, 0 if self.cased else re.IGNORECASE)
        except (re.error, OverflowError, RecursionError) as error:
            raise Unsearchable(_reason(error)) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matcher) and (self.wanted, self.regex) == (other.wanted, other.regex)

    def __hash__(self) -> int:
        return hash((self.wanted, self.regex))

    def starts(self, data: bytes) -> list[int] | None:
        """Where the lines of `data` begin that have it; None where only `lines` can tell.

        Of letters A to Z case is known without decoding: that takes a third of the time.
        """
        if not self._bytes:
            return None
        text = data if self.cased else data.lower()
        found: list[int] = []
        at = text.find(self._bytes)
        while at >= 0:
            found.append(text.rfind(b"\n", 0, at) + 1)
            end = text.find(b"\n", at)  # one hit of a line is enough
            at = text.find(self._bytes, end) if end >= 0 else -1
        return found

    def lines(self, text: str) -> list[int]:
        """Which lines of the text have it. Raises Unsearchable where that takes too long."""
        return self._by_regex(text.split("\n")) if self.regex else self._by_text(text)

    def _by_text(self, text: str) -> list[int]:
        text = text if self.cased else text.lower()
        found: list[int] = []
        line, counted, at = 0, 0, text.find(self._plain)
        while at >= 0:
            line += text.count("\n", counted, at)
            found.append(line)
            counted = text.find("\n", at)  # one hit of a line is enough
            if counted < 0:
                break
            at = text.find(self._plain, counted)
        return found

    def _by_regex(self, lines: list[str]) -> list[int]:
        search = self._find.search
        with limited(LIMIT_S):
            return [number for number, line in enumerate(lines) if search(line, 0, SHOWN)]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """What to mark in a line; nothing where finding it takes too long."""
        try:
            with limited(LIMIT_S / 10) if self.regex else _unlimited():
                return [found.span() for found in self._find.finditer(text) if found.end() > found.start()]
        except Unsearchable:
            return []


class Both:
    """What has both: a search in a log that is filtered."""

    def __init__(self, filtered: Matcher, searched: Matcher) -> None:
        self._filtered, self._searched = filtered, searched
        self.regex = filtered.regex or searched.regex

    def starts(self, data: bytes) -> list[int] | None:
        kept = self._filtered.starts(data)
        found = None if kept is None else self._searched.starts(data)
        if kept is None or found is None:
            return None
        among = set(kept)
        return [start for start in found if start in among]

    def lines(self, text: str) -> list[int]:
        kept = set(self._filtered.lines(text))
        return [line for line in self._searched.lines(text) if line in kept]


def _reason(error: Exception) -> str:
    if isinstance(error, re.error):
        where = f" at character {error.pos + 1}" if error.pos is not None else ""
        return f"not a regular expression: {error.msg}{where}"
    return "not a regular expression: it is too large"


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise Unsearchable("this expression takes too long, it may try the same text again and again: make it simpler")


@contextmanager
def _unlimited() -> Iterator[None]:
    yield


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises Unsearchable after so much work of the processor: `re` looks for signals while it matches.

    The timer of the processor's time is nobody else's; a busy machine does not make it go off.
    """
    if not hasattr(signal, "SIGVTALRM"):
        raise Unsearchable("a regular expression needs a limit of time, which this system does not have")
    try:
        before = signal.signal(signal.SIGVTALRM, _too_long)
    except ValueError:  # not the main thread
        raise Unsearchable("a regular expression cannot be searched for here") from None
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
