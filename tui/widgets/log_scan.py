"""The lines of a log that match, found a slice at a time, and further on while the log grows."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator

from tui import untrusted

from .log_match import Both, Matcher
from .log_store import LogStore
from .log_text import visible

SLICE = 1 << 18  # bytes looked at at once: what fits into a cache of the processor is three times as fast
SLICE_REGEX = 1 << 17
SLICE_TEXT = 1 << 16  # after one that had to be read as text
DISGUISES = "\x1b\r\t\0\b"  # a line with none of them is seen as it is
DISGUISED = [mark.encode() for mark in DISGUISES]


def _visible(text: str) -> str:
    text = text.rstrip("\r")
    return untrusted.visible(text) if any(mark in text for mark in DISGUISES) else text


class Scan:
    """`starts`: the lines found from `begin` on, in order. `stop`: where to end; None goes on for ever."""

    def __init__(self, store: LogStore, matcher: Matcher | Both, begin: int = 0, stop: int | None = None) -> None:
        self._store, self._matcher = store, matcher
        self.starts = array("Q")
        self.at = begin  # the line that comes next
        self._stop = stop
        self._seen = begin
        self._as_text = False  # it is slower, and nothing may wait for long

    @property
    def waits(self) -> bool:
        """Whether there is something that was not looked at yet."""
        return self._seen < self._end

    @property
    def _end(self) -> int:
        return self._store.size if self._stop is None else self._stop

    def step(self) -> bool:
        """Looks at the next slice; False where nothing is left. Raises Unsearchable."""
        if not self.waits:
            return False
        size = SLICE_REGEX if self._matcher.regex else SLICE_TEXT if self._as_text else SLICE
        data = self._store.read(self.at, min(size, self._end - self.at))
        whole = data.rfind(b"\n") + 1
        if self.starts and self.starts[-1] == self.at:
            self.starts.pop()  # the line that was still growing
        if not data:
            self._seen = self._end
        elif whole:
            self._take(data[:whole])
            self.at = self._seen = self.at + whole
        else:
            self._take_one()
        return self.waits

    def _take(self, data: bytes) -> None:
        starts = None if any(mark in data for mark in DISGUISED) else self._matcher.starts(data)
        self._as_text = starts is None
        if starts is None:
            self._take_text(data)
        else:
            self.starts.extend(self.at + start for start in starts)

    def _take_text(self, data: bytes) -> None:
        hits = self._matched(data.decode("utf-8", "replace")[:-1])
        at, line = 0, 0
        for hit in hits:
            for _ in range(hit - line):
                at = data.index(b"\n", at) + 1
            line = hit
            self.starts.append(self.at + at)

    def _matched(self, text: str) -> list[int]:
        if any(mark in text for mark in DISGUISES):
            text = "\n".join(_visible(line) for line in text.split("\n"))
        return self._matcher.lines(text)

    def _take_one(self) -> None:
        """A line that is longer than a slice, or has no end yet: what is shown of it counts."""
        text = visible(self._store, self.at)
        if self._matcher.lines(text):
            self.starts.append(self.at)
        end = self._store.end_of(self.at)
        if end < self._end:
            self.at = end + 1
        self._seen = min(end + 1, self._end)


class Search:
    """Hits from a place onwards first, then those before it; `next` goes round."""

    def __init__(self, store: LogStore, matcher: Matcher, near: int, among: Matcher | None = None) -> None:
        """`near`: the line to begin at; `among`: only lines that have this, too."""
        self.matcher, self.near = matcher, near
        wanted = matcher if among is None else Both(among, matcher)
        self._ahead = Scan(store, wanted, near)
        self._behind = Scan(store, wanted, 0, near)

    def __len__(self) -> int:
        return len(self._behind.starts) + len(self._ahead.starts)

    @property
    def waits(self) -> bool:
        return self._ahead.waits or self._behind.waits

    def step(self) -> bool:
        """Looks at the next slice; False where nothing is left. Raises Unsearchable."""
        scan = self._ahead if self._ahead.waits else self._behind
        scan.step()
        return self.waits

    def _at(self, rank: int) -> int:
        behind = len(self._behind.starts)
        return self._behind.starts[rank] if rank < behind else self._ahead.starts[rank - behind]

    def rank(self, start: int) -> int:
        """How many hits are before this line."""
        return bisect_left(self._behind.starts, start) + bisect_left(self._ahead.starts, start)

    def holds(self, start: int) -> bool:
        rank = self.rank(start)
        return rank < len(self) and self._at(rank) == start

    def next(self, start: int, step: int) -> int | None:
        """The nearest hit at `start` or after it, or (step -1) before it; round the end. None where there is none."""
        if not len(self):
            return None
        rank = self.rank(start)
        return self._at((rank if step > 0 else rank - 1) % len(self))


class Filtered:
    """The lines of a store that match, as the view goes through them."""

    def __init__(self, store: LogStore, matcher: Matcher) -> None:
        self.matcher, self.scan = matcher, Scan(store, matcher)

    def __len__(self) -> int:
        return len(self.scan.starts)

    def __iter__(self) -> Iterator[int]:
        return iter(self.scan.starts)

    def next(self, start: int) -> int | None:
        rank = bisect_left(self.scan.starts, start + 1)
        return self.scan.starts[rank] if rank < len(self) else None

    def previous(self, start: int) -> int | None:
        rank = bisect_left(self.scan.starts, start)
        return self.scan.starts[rank - 1] if rank else None

    def last(self) -> int:
        return self.scan.starts[-1] if len(self) else 0

    def near(self, start: int) -> int:
        """That line or the next that matches, else the last."""
        rank = bisect_left(self.scan.starts, start)
        return self.scan.starts[rank] if rank < len(self) else self.last()

    def arrived(self, offset: int) -> int:
        return len(self) - bisect_left(self.scan.starts, offset)

    def share(self, start: int) -> int:
        return bisect_left(self.scan.starts, start)

    def at_share(self, share: float) -> int:
        """The line at this share (0 to 1) of them."""
        return self.scan.starts[min(len(self) - 1, round(share * len(self)))] if len(self) else 0
