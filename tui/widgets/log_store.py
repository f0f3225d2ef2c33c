"""The bytes of a log, of any size, in little memory: where lines begin is looked up, not kept.

All that is kept of 64 KiB is how many lines end before it, so 1 GB of log takes 128 KB of memory. A log that arrives
is spooled into a file that tempfile.TemporaryFile makes: readable by its owner alone, without a name, so nothing of
a log stays on the client. A log file of this machine is read where it is (log_file.py).
"""

from __future__ import annotations

import os
import tempfile
from array import array
from bisect import bisect_left, bisect_right
from typing import IO

BLOCK = 1 << 16
CACHED = 8  # blocks
MOST = 1 << 22  # bytes: where as many before a multiple of it have no newline, a line begins without one
REMEMBERED = 256  # long lines
LONG = 1 << 16  # bytes: of a longer line only the beginning is read, and the end
HEAD = 1 << 14  # bytes of each, then


class LogStore:
    """`size`: bytes that are known. `counted`: those of them in which lines were counted.

    A line is named by the offset of its first byte. The last line may still be growing.
    """

    def __init__(self, file: IO[bytes] | None = None) -> None:
        """`file`: one that somebody else writes, from its beginning; None: a spool that `append` writes."""
        self._file = tempfile.TemporaryFile(buffering=0) if file is None else file  # noqa: SIM115 - lives with the store
        self._fd = self._file.fileno()
        self.size = self.counted = 0
        self._newlines = 0
        self._before = array("Q", [0])  # newlines before each block
        self._blocks: dict[int, bytes] = {}
        self._ends: dict[int, int] = {}  # of long lines

    def __len__(self) -> int:
        """Lines, as far as they are counted; one that has no newline yet counts as soon as it has text."""
        return self._newlines + (self.counted > 0 and self.read(self.counted - 1, 1) != b"\n")

    def close(self) -> None:
        self._file.close()

    # What comes.

    def append(self, text: str) -> None:
        """Raises OSError when this machine's disk is full."""
        data = text.encode("utf-8", "surrogateescape")
        view, at = memoryview(data), self.size
        while view:
            written = os.pwrite(self._fd, view, at)
            view, at = view[written:], at + written
        self.size += len(data)
        self._count(data)

    def grow(self, size: int) -> None:
        """The file has `size` bytes now; `count` takes in what is new."""
        self.size = size

    def count(self, budget: int) -> bool:
        """Counts the lines of the next `budget` bytes; False when all are counted."""
        end = min(self.size, self.counted + budget)
        while self.counted < end:
            data = os.pread(self._fd, min(BLOCK - self.counted % BLOCK, end - self.counted), self.counted)
            if not data:
                return False  # it was cut: who follows the file says so
            self._count(data)
        return self.counted < self.size

    def _count(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            end = min(len(data), at + BLOCK - self.counted % BLOCK)
            self._newlines += data.count(b"\n", at, end)
            self.counted += end - at
            at = end
            if self.counted % BLOCK == 0:
                self._before.append(self._newlines)

    # What is where.

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes; fewer at the end."""
        block, at = divmod(offset, BLOCK)
        if at + size <= BLOCK:
            return self._block(block)[at : at + size]
        return os.pread(self._fd, min(size, self.size - offset), offset)

    def _block(self, number: int) -> bytes:
        wanted = min(BLOCK, self.size - number * BLOCK)
        data = self._blocks.get(number, b"")
        if len(data) < wanted:
            data = os.pread(self._fd, wanted, number * BLOCK)
            self._blocks.pop(number, None)
            self._blocks[number] = data
            if len(self._blocks) > CACHED:
                del self._blocks[next(iter(self._blocks))]
        return data

    def start_of(self, offset: int) -> int:
        """The line that has the byte at `offset`."""
        end = min(offset, self.size)
        begin = end // MOST * MOST
        while end > max(0, begin - MOST):
            block = (end - 1) // BLOCK
            found = self._block(block).rfind(b"\n", 0, end - block * BLOCK)
            if found >= 0:
                return block * BLOCK + found + 1
            end = self._skipped_back(block)
        return begin

    def end_of(self, start: int) -> int:
        """The offset of the last byte of the line at `start`, its newline; `size` where it has none yet."""
        known = self._ends.get(start)
        if known is not None:
            return known
        end = self._look_for_end(start)
        if LONG < end - start < self.size - start:
            self._ends[start] = end
            if len(self._ends) > REMEMBERED:
                del self._ends[next(iter(self._ends))]
        return end

    def _look_for_end(self, start: int) -> int:
        at, end = start, (-(-start // MOST) + 1) * MOST
        while at < min(self.size, end):
            block = at // BLOCK
            found = self._block(block).find(b"\n", at - block * BLOCK)
            if found >= 0:
                return min(block * BLOCK + found, self.size)
            at = self._skipped_ahead(block + 1)
        return self.size if self.size <= end else end - 1

    def _skipped_back(self, block: int) -> int:
        """From the beginning of the block to the end of the nearest earlier one that may have a newline."""
        if block < len(self._before):
            block = bisect_left(self._before, self._before[block], 0, block)
        return block * BLOCK

    def _skipped_ahead(self, block: int) -> int:
        if block < len(self._before):
            block = max(block, bisect_right(self._before, self._before[block]) - 1)
        return block * BLOCK

    def next(self, start: int) -> int | None:
        """The line after the one at `start`."""
        end = self.end_of(start)
        return end + 1 if end + 1 < self.size else None

    def previous(self, start: int) -> int | None:
        return self.start_of(start - 1) if start > 0 else None

    def last(self) -> int:
        return self.start_of(self.size - 1) if self.size else 0

    def number(self, start: int) -> int | None:
        """Counted from 0; None where the lines before it are not counted yet."""
        if start > self.counted:
            return None
        block, at = divmod(start, BLOCK)
        return self._before[block] + (self._block(block).count(b"\n", 0, at) if at else 0)

    def at_number(self, number: int) -> int:
        """The line of that number; the last one that is counted where there are fewer."""
        number = min(number, len(self) - 1)
        if number <= 0:
            return 0
        block = bisect_left(self._before, number) - 1
        data, at = self._block(block), -1
        for _ in range(number - self._before[block]):
            at = max(at, data.find(b"\n", at + 1))
        return block * BLOCK + at + 1

    def arrived(self, offset: int) -> int:
        """Lines that begin at `offset` or later."""
        if offset == 0:
            return len(self)
        before = self.number(offset - 1)
        return 0 if before is None else max(0, len(self) - before - 1)

    def raw(self, start: int) -> tuple[bytes, int]:
        """The line without its newline, and how many of its bytes are left out.

        Of a very long one its beginning; or its end, where that holds the last state of a progress bar.
        """
        end = self.end_of(start)
        if end - start <= LONG:
            return self.read(start, end - start), 0
        tail = self.read(end - HEAD, HEAD).rstrip(b"\r")
        if b"\r" in tail:
            return tail[tail.index(b"\r") + 1 :], 0
        return self.read(start, HEAD), end - start - HEAD

    # The same as `Filtered` has for the lines that match.

    def near(self, start: int) -> int:
        return self.start_of(min(start, max(0, self.size - 1)))

    def share(self, start: int) -> int:
        return start

    def at_share(self, share: float) -> int:
        """The line at this share (0 to 1) of the bytes."""
        return self.near(round(share * self.size))
