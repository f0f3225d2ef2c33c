"""A log in a file without a name: any size, little memory, gone when the program ends.

The file is made by tempfile.TemporaryFile: readable by its owner alone, without a
name, so nothing of a log stays on the client.
"""

from __future__ import annotations

import asyncio
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import AsyncGenerator

CHUNK = 1 << 20


class LogStore:
    """Bytes and the offset of each line's start. The last line may still be growing."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the store
        self._starts = array("Q", [0])
        self.size = 0

    def __len__(self) -> int:
        """Lines; one that has no newline yet counts as soon as it has text."""
        return len(self._starts) - (self._starts[-1] == self.size)

    def append(self, text: str) -> None:
        data = text.encode("utf-8", "surrogateescape")
        self._file.seek(self.size)
        self._file.write(data)
        at = data.find(b"\n")
        while at >= 0:
            self._starts.append(self.size + at + 1)
            at = data.find(b"\n", at + 1)
        self.size += len(data)

    def lines(self, first: int, count: int) -> list[str]:
        """`count` lines from `first`, as many as there are, without their newlines."""
        last = min(first + count, len(self))
        if first >= last:
            return []
        begin = self._starts[first]
        end = self._starts[last] if last < len(self._starts) else self.size
        self._file.seek(begin)
        text = self._file.read(end - begin).decode("utf-8", "replace")
        return text.split("\n")[: last - first]

    def text(self, first: int, count: int) -> str:
        return "\n".join(self.lines(first, count))

    def line_at(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    async def find(self, wanted: str, begin: int = 0) -> AsyncGenerator[list[int], None]:
        """Numbers of the lines that hold `wanted` (case is ignored), a batch for each chunk read.

        ASCII case only: bytes are compared, because decoding 100 MB would take seconds.
        """
        needle = wanted.encode().lower()
        at, seen = begin, -1
        while needle and at < self.size:
            self._file.seek(at)
            chunk = self._file.read(min(CHUNK, self.size - at) + len(needle) - 1).lower()
            hits: list[int] = []
            where = chunk.find(needle)
            while where >= 0:
                number = self.line_at(at + where)
                if number != seen:
                    hits.append(number)
                    seen = number
                where = chunk.find(needle, where + 1)
            yield hits
            at += CHUNK
            await asyncio.sleep(0)

    def close(self) -> None:
        self._file.close()
