"""Which files of two runs' code differ, and how: the files stay on the VM, but for the texts that differ.

Code may hold anything. Binary and large files are only named, no link is followed, and a comparison that takes too
long is given up.
"""

from __future__ import annotations

import asyncio
import difflib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from .. import threads
from ..errors import RunError
from ..events import ComparedCode, ComparedFile, RunInfo
from ..ssh.agent import Agent

MOST_DIFFS = 100  # files
MOST_TEXT = 1 << 20  # characters of all diffs
MOST_LINES = 20_000  # of one text: a single step of difflib takes too long beyond
PATIENCE_S = 1.0  # for one file
AT_ONCE = 8  # files
CONTEXT = 3  # lines
LINE_END = re.compile(r"\r\n|\r|\n")
WHY = {"large": "too large to show", "binary": "not a text"}
Entry = Mapping[str, Any]


async def compared(agent: Agent, a: RunInfo, b: RunInfo) -> ComparedCode:
    """Raises LinkLost and what else the agent answers; code that is not on the VM any more is a note."""
    if a.code_digest == b.code_digest:
        return ComparedCode(same=True, note="" if a.code_digest else "neither run has code of its own")
    try:
        first, second = await asyncio.gather(*(agent.call("code.files", run=info.run) for info in (a, b)))
    except RunError as error:
        return ComparedCode(same=None, note=error.title)
    changed = changes(_by_path(first), _by_path(second))
    files = await _with_diffs(agent, a.run, b.run, changed)
    cut = first["more"] or second["more"]
    return ComparedCode(
        same=False, files=files, note="only the first 20,000 files of each were compared" if cut else ""
    )


def _by_path(listed: Mapping[str, Any]) -> dict[str, Entry]:
    return {str(entry["path"]): entry for entry in listed["files"]}


def changes(a: Mapping[str, Entry], b: Mapping[str, Entry]) -> list[ComparedFile]:
    """The files that differ, by path, without their diffs. `a`, `b`: path -> {"kind", "bytes", "sha256"}."""
    found = []
    for path in sorted({*a, *b}):
        one, other = a.get(path), b.get(path)
        if one is not None and other is not None and _same(one, other):
            continue
        change: Literal["added", "removed", "changed"]
        change = "added" if one is None else "removed" if other is None else "changed"
        link = any(entry is not None and entry["kind"] == "link" for entry in (one, other))
        note = "a link" if link else "too large to be compared" if _unknown(one) or _unknown(other) else ""
        found.append(ComparedFile(path=path, change=change, bytes_a=_size(one), bytes_b=_size(other), note=note))
    return found


def _same(one: Entry, other: Entry) -> bool:
    """Never of a file that was too large to be hashed."""
    return all(one[key] == other[key] for key in ("kind", "bytes", "sha256")) and not _unknown(one)


def _unknown(entry: Entry | None) -> bool:
    return entry is not None and not entry["sha256"] and entry["bytes"] > 0


def _size(entry: Entry | None) -> int | None:
    return None if entry is None else int(entry["bytes"])


async def _with_diffs(agent: Agent, a: str, b: str, files: list[ComparedFile]) -> list[ComparedFile]:
    wanted = [file for file in files if not file.note][:MOST_DIFFS]
    done: dict[str, ComparedFile] = {}
    room = MOST_TEXT
    for start in range(0, len(wanted), AT_ONCE):
        if room <= 0:
            break
        for file in await asyncio.gather(*(_with_diff(agent, a, b, file) for file in wanted[start : start + AT_ONCE])):
            room -= len(file.diff)
            done[file.path] = file if room > 0 else _noted(file, "left out: the differences are too many")
    return [done.get(file.path) or _noted(file, file.note or "left out: too many files differ") for file in files]


def _noted(file: ComparedFile, note: str) -> ComparedFile:
    return ComparedFile(path=file.path, change=file.change, bytes_a=file.bytes_a, bytes_b=file.bytes_b, note=note)


async def _with_diff(agent: Agent, a: str, b: str, file: ComparedFile) -> ComparedFile:
    sides = ((a, file.bytes_a), (b, file.bytes_b))
    try:
        read = await asyncio.gather(*(_text(agent, run, file.path, size) for run, size in sides))
    except RunError:
        return _noted(file, "cannot be read")
    why = next((WHY.get(str(answer["why"]), "cannot be shown") for answer in read if "why" in answer), "")
    if why:
        return _noted(file, why)
    diff = await threads.call(unified, file.path, read[0]["text"], read[1]["text"])
    if diff is None:
        return _noted(file, "too long or too different to compare line by line")
    if not diff:
        return _noted(file, "only its line ends differ")
    return ComparedFile(path=file.path, change=file.change, bytes_a=file.bytes_a, bytes_b=file.bytes_b, diff=diff)


async def _text(agent: Agent, run: str, path: str, size: int | None) -> Mapping[str, Any]:
    return {"text": ""} if size is None else await agent.call("code.read", run=run, path=path)


class _TooLong(Exception):
    pass


class _Timed(difflib.SequenceMatcher[str]):
    """Some texts take difflib minutes."""

    until: float
    clock: Callable[[], float]

    def find_longest_match(self, *where: Any) -> difflib.Match:
        if self.clock() > self.until:
            raise _TooLong
        return super().find_longest_match(*where)


def unified(path: str, a: str, b: str, clock: Callable[[], float] = time.monotonic) -> str | None:
    """A unified diff of two texts; "" where their line ends alone differ, None where it would take too long."""
    one, other = _lines(a), _lines(b)
    if max(len(one), len(other)) > MOST_LINES:
        return None
    matcher = _Timed(None, one, other)
    matcher.clock, matcher.until = clock, clock() + PATIENCE_S
    try:
        lines = [line for group in matcher.get_grouped_opcodes(CONTEXT) for line in _hunk(group, one, other)]
    except _TooLong:
        return None
    return "\n".join([f"--- a/{path}", f"+++ b/{path}", *lines]) + "\n" if lines else ""


def _lines(text: str) -> list[str]:
    """As an interpreter ends them: what Unicode calls the end of a line may stand in a comment."""
    lines = LINE_END.split(text)
    return lines if lines[-1] else lines[:-1]


def _hunk(group: list[tuple[str, int, int, int, int]], one: list[str], other: list[str]) -> Iterator[str]:
    first, last = group[0], group[-1]
    yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@"
    for tag, begin_a, end_a, begin_b, end_b in group:
        if tag == "equal":
            yield from (f" {line}" for line in one[begin_a:end_a])
        else:
            yield from (f"-{line}" for line in one[begin_a:end_a])
            yield from (f"+{line}" for line in other[begin_b:end_b])


def _range(begin: int, end: int) -> str:
    """As diff writes it: lines count from 1, but before the first one where there is none."""
    length = end - begin
    if length == 1:
        return f"{begin + 1}"
    return f"{begin + (1 if length else 0)},{length}"
