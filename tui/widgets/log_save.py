"""Writes lines of a log into a file: without escape sequences, for its owner alone, never over what is there."""

from __future__ import annotations

import asyncio
import codecs
import os
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

from tui.text import Cleaner

from .log_store import LogStore

SLICE = 1 << 20


def ranges(store: LogStore, lines: Iterable[int] | None) -> Iterator[tuple[int, int]]:
    """From where to where in bytes: of these lines, neighbours together; None: all of the log."""
    if lines is None:
        yield 0, store.size
        return
    begin = end = -1
    for line in lines:
        if line != end:
            if end > begin:
                yield begin, end
            begin = line
        end = min(store.end_of(line) + 1, store.size)
    if end > begin:
        yield begin, end


async def pieces(store: LogStore, lines: Iterable[int] | None) -> AsyncIterator[str]:
    """The text in pieces of 1 MiB or so; others get a turn after each."""
    for begin, end in ranges(store, lines):
        cleaner, decoder = Cleaner(colours=False), codecs.getincrementaldecoder("utf-8")("replace")
        for at in range(begin, end, SLICE):
            data = store.read(at, min(SLICE, end - at))
            yield cleaner.clean(decoder.decode(data, final=at + SLICE >= end))
            await asyncio.sleep(0)


async def save(store: LogStore, lines: Iterable[int] | None, path: Path, *, replace: bool = False) -> int:
    """Bytes that were written. Raises FileExistsError where there is something and `replace` is not said; OSError."""
    if replace and path.is_file():
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    else:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        handle, name = os.open(path, flags, 0o600), str(path)
    try:
        with os.fdopen(handle, "wb") as file:
            async for text in pieces(store, lines):
                file.write(text.encode("utf-8", "replace"))
            size = file.tell()
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return size
