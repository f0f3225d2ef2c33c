"""What the front does wrong on demand, and what it was asked."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

ALWAYS = -1
NEXT_MARKER = r"<NextMarker ?/>|<NextMarker>[^<]*</NextMarker>"
_AGAIN = itertools.count()
Action = Callable[[], object]
Lie = Callable[[str], str]


class Asked(NamedTuple):
    path: str
    version: str
    range: str


class Answered(NamedTuple):
    """`sent`: bytes of the body; `connection`: its number, from 0."""

    verb: str
    path: str
    status: int
    sent: int
    connection: int


@dataclass
class Faults:
    """A count is of the answers to come: 0 is never, `ALWAYS` each. Bodies are those of blobs, never of listings.

    `only`: only blobs whose path has this in it; `every`: of these only each second, third … answer.
    """

    cut_after: list[int] = field(default_factory=list)  # bytes of a longer body after which it breaks off, each once
    cut: int = 0  # breaks off half way, without a TLS goodbye
    reset: int = 0  # breaks off half way, with a TCP reset
    truncate: int = 0  # ends half way in good order; Content-Length says all
    shorten: int = 0  # ends half way, and Content-Length says so
    corrupt: int = 0  # one byte is another one
    wrong_md5: int = 0  # the body is right
    too_long: int = 0  # more than was asked for, and Content-Length says so
    spill: int = 0  # more than Content-Length says
    whole: int = 0  # 200 and all of the blob, where a range was asked for
    busy: int = 0  # of all answers: 503 ServerBusy with Retry-After
    errors: int = 0  # of all answers: 500 InternalError
    retry_after: str = "1"  # seconds, or a date
    only: str = ""
    every: int = 1
    latency_s: float = 0.0  # before each answer
    bytes_per_s: float = 0.0  # of a body; 0 is at once
    clock_s: float = 0.0  # the service's clock is so far from ours
    expires_after: int | None = None  # requests, then their credential is refused from now on
    when: dict[int, Action] = field(default_factory=dict)  # before the download of this number, from 1
    page: int = 0  # most names on a page of a listing; 0 is as many as asked for
    listing: Lie | None = None  # what becomes of the XML of a page
    seen: list[Asked] = field(default_factory=list)
    log: list[Answered] = field(default_factory=list)
    expired: set[str] = field(default_factory=set)  # credentials: signatures of a SAS, or "key"

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._met = 0
        self._downloads = 0

    @property
    def downloads(self) -> list[Asked]:
        return [entry for entry in self.seen if "comp=list" not in entry.path]

    def take(self, name: str) -> bool:
        """Does this answer have the fault of this name?"""
        with self._lock:
            left: int = getattr(self, name)
            if left > 0:
                setattr(self, name, left - 1)
            return left != 0

    def meets(self, path: str) -> bool:
        """Is this download one that `only` and `every` mean?"""
        if self.only not in path:
            return False
        with self._lock:
            self._met += 1
            return self._met % self.every == 0

    def cut_of(self, size: int) -> int | None:
        with self._lock:
            return self.cut_after.pop(0) if self.cut_after and size > self.cut_after[0] else None

    def asked(self, entry: Asked, credential: str) -> bool:
        """Notes a request; False where its credential has expired."""
        with self._lock:
            self.seen.append(entry)
            if self.expires_after is not None and credential:
                self.expires_after -= 1
                if self.expires_after < 0:
                    self.expired.add(credential)
                    self.expires_after = None
            return credential not in self.expired

    def downloading(self) -> None:
        with self._lock:
            self._downloads += 1
            action = self.when.pop(self._downloads, None)
        if action is not None:
            action()

    def answered(self, entry: Answered) -> None:
        with self._lock:
            self.log.append(entry)


# --- lies of a listing


def sizes(more: int) -> Lie:
    """Every blob is so many bytes longer than it is (negative: shorter)."""
    return lambda xml: re.sub(
        r"<Content-Length>(\d+)<",
        lambda found: f"<Content-Length>{max(0, int(found[1]) + more)}<",
        xml,
    )


def twice(xml: str) -> str:
    """Every blob is there twice."""
    return re.sub(r"(<Blob>.*?</Blob>)", r"\1\1", xml, flags=re.DOTALL)


def endless(xml: str) -> str:
    """The next page is this one, under a marker that was never there."""
    return re.sub(NEXT_MARKER, f"<NextMarker>again{next(_AGAIN)}</NextMarker>", xml)


def nothing_for_ever(xml: str) -> str:
    """No blob, and always a next page."""
    return endless(re.sub(r"<Blob>.*</Blob>", "", xml, flags=re.DOTALL))


def renamed(old: str, new: str) -> Lie:
    """`new`: as XML has it."""
    return lambda xml: xml.replace(f"<Name>{old}</Name>", f"<Name>{new}</Name>")


def laughing(xml: str) -> str:
    """Entities of entities."""
    steps = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<!DOCTYPE x [<!ENTITY a0 "ha">{steps}]>'
    return xml.replace("?>", "?>" + head, 1).replace("<Name>", "<Name>&a9;", 1)


def reaching(xml: str) -> str:
    """An entity that is a file of the reader."""
    head = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    return xml.replace("?>", "?>" + head, 1).replace("<Name>", "<Name>&a;", 1)


def deep(xml: str) -> str:
    """A hundred thousand elements in each other."""
    return xml.replace("<Blobs>", "<Blobs>" + "<a>" * 100_000, 1)


def torn(xml: str) -> str:
    """It ends in the middle."""
    return xml[: len(xml) // 2]


def negative(xml: str) -> str:
    """The sizes are below zero."""
    return re.sub(r"<Content-Length>", "<Content-Length>-", xml)


HOSTILE: dict[str, Lie] = {each.__name__: each for each in (laughing, reaching, deep, torn, negative)}
