"""The files of a collection, read by both readers, then run unchanged on each engine: a row for each command file."""

from __future__ import annotations

import re
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import JobError
from core.jobs.load import load

from ..contract.reading import ours, theirs
from . import kinds
from .examples import Examples
from .expected import DEPARTURES, REFUSALS, Expected
from .lab import Lab
from .site import STAND_INS
from .tried import Tried, attempt

HEAD = ("file", "reading", "docker", "bwrap", "seconds", "reason")
# What of a job file is outside of its folder.
NAMED = re.compile(r"""(?:path|code|conda_file|environment):[ \t]*(?:file:)?(\.\./[^\s,}"']+)""")
EQUAL = "equal"
NEW = "new: not in the table of tests/corpus/expected.py"


@dataclass
class Found:
    """The collection's YAML files: jobs by kind, and how many of each other thing."""

    jobs: dict[str, list[str]] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)


@dataclass
class Row:
    path: str
    reading: str = ""
    engines: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    reason: str = ""
    wrong: list[str] = field(default_factory=list)

    def cells(self) -> tuple[str, ...]:
        runs = [self.engines.get(engine, "-") for engine in ("docker", "bwrap")]
        return (self.path, self.reading, *runs, f"{self.seconds:.0f}", self.reason)


def found(examples: Examples) -> Found:
    made = Found()
    paths = [path for path in examples.files if path.endswith((".yml", ".yaml"))]
    for path, content in examples.contents(paths):
        text = content.decode(errors="replace")
        kind = kinds.job(text)
        if kind:
            made.jobs.setdefault(kind, []).append(path)
        else:
            made.others[kinds.other(text)] += 1
    return made


def put(examples: Examples, jobs: Mapping[str, Sequence[str]], target: Path) -> None:
    """Every job file; with a command job, its folder and what it names outside of that, a file with its folder."""
    examples.put([path for paths in jobs.values() for path in paths], target)
    wanted: set[str] = set()
    for path in jobs.get(kinds.COMMAND, []):
        for text in [".", *NAMED.findall((target / path).read_text())]:
            named = _plain(Path(path).parent / text)
            wanted |= set(examples.below(named) or examples.below(named.rpartition("/")[0]))
    examples.put([path for path in sorted(wanted) if not (target / path).exists()], target)
    for path, other in STAND_INS.items():
        if path in wanted and not (target / path).exists():
            (target / path).write_bytes((target / other).read_bytes())


def _plain(path: Path) -> str:
    """Without `..`, which a link of the machine cannot change here."""
    parts: list[str] = []
    for part in path.parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def refusals(folder: Path, jobs: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """(a line for each other kind of job, what is wrong): each file is refused in one line that says where."""
    lines, wrong = [], []
    for kind, paths in jobs.items():
        if kind == kinds.COMMAND:
            continue
        said = Counter(_refusal(folder, path) for path in paths)
        lines += [f"{kind}: {number} refused: {text}" for text, number in said.items()]
        wanted = REFUSALS.get(kind, NEW)
        wrong += [f"{kind}: {text!r} does not say {wanted!r}" for text in said if not text.endswith(wanted)]
    return lines, wrong


def _refusal(folder: Path, path: str) -> str:
    """What is said, without the name of the file and the number of the line, which have to be there."""
    try:
        load(folder / path)
    except JobError as error:
        said = re.fullmatch(re.escape(str(folder / path)) + r":\d+: ([^\n]+)", error.title)
        return f"FILE:LINE: {said.group(1)}" if said else f"without a line: {error.title}"
    return f"{path} is taken"


def reading(folder: Path, path: str, azure: Callable[[Path], Any]) -> str:
    """EQUAL, or how the two readings differ, in a line."""
    mine, error = _read(lambda: ours(load(folder / path)))
    other, refusal = _read(lambda: theirs(azure(folder / path), (folder / path).parent))
    if error or refusal:
        return f"{'we refuse' if error else 'we take'}, Azure {'refuses' if refusal else 'takes'}"
    different = [key for key in mine if mine[key] != other[key]]
    return f"differs: {', '.join(different)}" if different else EQUAL


def _read(read: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], str]:
    try:
        return read(), ""
    except Exception as error:  # theirs have no class in common
        if type(error).__name__ not in ("JobError", "ValidationError", "ValidationException"):
            raise
        return {}, str(error)


async def rows(
    lab: Lab, folder: Path, paths: Iterable[str], azure: Callable[[Path], Any], expected: Mapping[str, Expected]
) -> AsyncIterator[Row]:
    for path in paths:
        began = time.monotonic()
        row = Row(path, reading=reading(folder, path, azure))
        _judge_reading(row)
        wanted = expected.get(path)
        if wanted is None:
            row.wrong.append(NEW)
        for name, engine in lab.engines.items():
            try:
                tried = await attempt(lab, engine, folder / path, wanted.enough if wanted else "")
            except Exception as error:
                tried = Tried("broken", "".join(traceback.format_exception(error)[-4:]))
            row.engines[name] = tried.verdict
            _judge(row, name, tried, wanted)
        row.reason = wanted.why if wanted else ""
        row.seconds = time.monotonic() - began
        yield row


def _judge_reading(row: Row) -> None:
    if row.reading != DEPARTURES.get(row.path, EQUAL):
        row.wrong.append(f"reading: {row.reading}, expected: {DEPARTURES.get(row.path, EQUAL)}")


def _judge(row: Row, engine: str, tried: Tried, wanted: Expected | None) -> None:
    """Every part of what is expected has to be found in what was said, or among what the run left."""
    text = f"{tried.said}{tried.left}"
    outcome = wanted.outcome(engine) if wanted else None
    if outcome and tried.verdict == outcome.verdict and all(part in text for part in outcome.parts):
        return
    shown = text if len(text) < 3000 else f"{text[:1000]}\n…\n{text[-2000:]}"
    row.wrong.append(f"{engine}: {tried.verdict}, expected: {outcome}\n{shown}\n{tried.built[-1000:]}")


def table(made: Iterable[Row]) -> str:
    lines = [HEAD, *(row.cells() for row in made)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]) for line in lines
    )


def summary(made: Sequence[Row]) -> str:
    """How many of each outcome."""
    lines = [("reading", Counter(row.reading for row in made))]
    engines = dict.fromkeys(engine for row in made for engine in row.engines)
    lines += [(engine, Counter(row.engines[engine] for row in made)) for engine in engines]
    counted = [
        f"{name}: " + ", ".join(f"{number} {what}" for what, number in found.most_common()) for name, found in lines
    ]
    return "\n".join(counted)


def without_rows(expected: Mapping[str, Expected], paths: Iterable[str]) -> list[str]:
    """What the table has and the collection has not."""
    return sorted(set(expected) - set(paths))
