"""Record a session's events, and play them again with no VM and no network.

A journal is JSON lines. The first is `{"journal": 1, "site": …, "vm": …, "recorded": …}`; then
`{"at": s, "call": n, "op": "runs.follow"}` for each operation that was started,
`{"at": s, "call": n, "is": {event}}` for what it yielded, and
`{"at": s, "call": n, "raised": {code, title, hint, facts}}` or `{"at": s, "call": n, "done": true}` for its end.
Arguments are not written: a passphrase can be among them. What is: names of hosts, users, files and sites,
fingerprints of host keys, and the text of logs with whatever a job printed.
"""

from __future__ import annotations

import json
import os
import re
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TextIO, cast

import msgspec

from .agent import wire
from .errors import ConfigError, TrainshedError, from_code
from .events import Event, from_json, to_json
from .pace import Pace
from .services import Services

VERSION = 1
LONGEST_HEAD = 1 << 16  # bytes of the first line: a large file of another kind is not read whole
LARGEST = 32 << 20  # bytes of a journal: no more are recorded, and a larger file is none of ours
LONGEST = 8 << 20  # bytes of a line
MADE = "trainshed demo --record FILE makes one"
NAME = re.compile(r"[A-Za-z0-9-]{0,64}")
CUT = "the recording ends here: it was stopped, or the file was cut off"
STEPS = tuple(item.name for item in fields(Services) if item.name != "site")


@dataclass(frozen=True)
class Place:
    """`Services.site` of a session that is played again."""

    name: str
    vm: str
    path: Path | None = None  # a replay reads no site file


class _Writer:
    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._began = time.monotonic()
        self._calls = 0
        self._left = LARGEST - LONGEST_HEAD

    def begin(self, op: str) -> int:
        self._calls += 1
        self.write(self._calls, op=op)
        return self._calls

    def write(self, call: int, **entry: Any) -> None:
        line = {"at": round(time.monotonic() - self._began, 4), "call": call, **entry}
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
        size = len(text.encode("utf-8", "replace"))
        if size > min(self._left, LONGEST):
            self._left = 0  # the recording ends here: a later line alone would make no sense
            return
        self._left -= size
        self._file.write(text)
        self._file.flush()


class _Recorded:
    """One step's service; every operation is passed on, and what it yields is written down."""

    def __init__(self, step: str, real: Any, writer: _Writer) -> None:
        self._step, self._real, self._writer = step, real, writer

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._real, name)
        if name == "close":
            return operation

        def start(*args: Any, **kwargs: Any) -> AsyncIterator[Event]:
            return self._record(f"{self._step}.{name}", operation(*args, **kwargs))

        return start

    async def _record(self, op: str, events: AsyncIterator[Event]) -> AsyncIterator[Event]:
        call = self._writer.begin(op)
        try:
            async for event in events:
                self._writer.write(call, **{"is": to_json(event)})
                yield event
            self._writer.write(call, done=True)
        except TrainshedError as error:
            self._writer.write(call, raised=_error(error))
            raise
        finally:
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()


def _error(error: TrainshedError) -> dict[str, Any]:
    return {"code": error.code, "title": error.title, "hint": error.hint, "facts": dict(error.facts)}


def recording(real: Services, path: Path, *, replace: bool = False) -> Services:
    """The same services, with what they yield written to `path` (0600: it holds log text).

    Raises FileExistsError for a file that is there, unless it is to be replaced; OSError for one that cannot be.
    """
    file = _private(path, os.O_TRUNC if replace else os.O_EXCL)
    header = {"journal": VERSION, "site": real.site.name, "vm": real.site.vm, "recorded": int(time.time())}
    file.write(json.dumps(header) + "\n")
    if path.is_file():
        from . import kept  # a replay does without it

        kept.remember("journal", path)
    writer = _Writer(file)
    steps = {step: cast("Any", _Recorded(step, getattr(real, step), writer)) for step in STEPS}
    return Services(site=real.site, **steps)


def _private(path: Path, flag: int) -> TextIO:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flag, 0o600)
    if stat.S_ISREG(os.fstat(handle).st_mode):  # /dev/null stays as it is
        os.fchmod(handle, 0o600)
    return os.fdopen(handle, "w", encoding="utf-8")


@dataclass
class Take:
    """One recorded operation: (seconds since its start, event or error) in order."""

    op: str
    began: float
    played: bool = False
    ended: bool = False  # by itself, or by an error
    entries: list[tuple[float, Event | TrainshedError]] = field(default_factory=list)


@dataclass
class Journal:
    place: Place
    takes: list[Take]
    cut: bool = False  # in the middle of its last line

    def next(self, op: str) -> Take | None:
        """The next recording of the operation; after the last one, the last one again."""
        same = [take for take in self.takes if take.op == op]
        take = next((take for take in same if not take.played), same[-1] if same else None)
        if take is not None:
            take.played = True
        return take


def read(path: Path) -> Journal:
    """Raises ConfigError naming file and line."""
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path} is not a file", hint=MADE)
    try:
        return _parse(path, _lines(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as a journal ({type(error).__name__})", hint=MADE) from None


def _lines(path: Path) -> Iterator[str]:
    """One after the other, and no more of the file than a journal can have. Raises ConfigError, OSError."""
    with path.open("rb") as file:
        head = file.readline(LONGEST_HEAD)
        if head:
            yield head.decode("utf-8")
        left = LARGEST - len(head)
        while line := file.readline(min(left, LONGEST) + 1):
            left -= len(line)
            if left < 0 or len(line) > LONGEST:
                title = (
                    f"{path} is larger than a recorded session can be: {LARGEST >> 20} MB, {LONGEST >> 20} MB a line"
                )
                raise ConfigError(title, hint=MADE)
            yield line.decode("utf-8", "replace")


def _parse(path: Path, lines: Iterator[str]) -> Journal:
    takes: dict[int, Take] = {}
    place: Place | None = None
    cut = False
    for number, line in enumerate(lines, 1):
        try:
            entry = wire.decode(wire.JSON, line.encode("utf-8", "replace"))  # no half of a character reaches a screen
            if place is None:
                if entry["journal"] != VERSION:
                    what = f"{path}: a journal of version {str(entry['journal'])[:20]}, not {VERSION}"
                    raise ConfigError(what, hint="another trainshed made it")
                place = Place(_name(entry["site"]), _name(entry["vm"]))
            else:
                _enter(entry, takes)
        except (ValueError, KeyError, TypeError, OverflowError, wire.WireError, msgspec.ValidationError):
            if place is not None and next(lines, None) is None:
                cut = True
                break
            raise ConfigError(f"{path}:{number}: not a line of a journal", hint=MADE) from None
    if place is None:
        raise ConfigError(f"{path} is empty, not a journal", hint=MADE)
    return Journal(place, list(takes.values()), cut)


def _name(text: object) -> str:
    """Of a site or a VM: folders are named by it. Raises ValueError."""
    if not isinstance(text, str) or not NAME.fullmatch(text):
        raise ValueError
    return text


def _enter(entry: dict[str, Any], takes: dict[int, Take]) -> None:
    at, call = float(entry["at"]), int(entry["call"])
    if "op" in entry:
        takes[call] = Take(str(entry["op"]), at)
        return
    take = takes[call]
    if "is" in entry:
        take.entries.append((at - take.began, from_json(entry["is"])))
    elif "raised" in entry:
        take.entries.append((at - take.began, from_code(**entry["raised"])))
        take.ended = True
    elif "done" in entry:
        take.ended = True


class _Played:
    """One step's service, from the journal: whatever the arguments, the next recording of that operation."""

    def __init__(self, step: str, journal: Journal, pace: Pace) -> None:
        self._step, self._journal, self._pace = step, journal, pace

    def __getattr__(self, name: str) -> Callable[..., AsyncIterator[Event]]:
        if name.startswith("_") or name == "close":
            raise AttributeError(name)
        op = f"{self._step}.{name}"

        def start(*_args: Any, **_kwargs: Any) -> AsyncIterator[Event]:
            return self._play(op)

        return start

    async def _play(self, op: str) -> AsyncIterator[Event]:
        take = self._journal.next(op)
        if take is None:
            raise ConfigError(f"this recorded session has no {op}", hint="a replay shows what was recorded, no more")
        before = 0.0
        for number, (after, entry) in enumerate(take.entries):
            await self._pace.before(entry, after - before, first=not number)
            before = after
            if isinstance(entry, TrainshedError):
                raise entry
            yield entry
        if not take.ended:
            raise ConfigError(CUT, hint=f"of {op} there is no more; the other steps can be played")


def replayed(path: Path, *, speed: float = 1.0, pace: Pace | None = None) -> Services:
    """Services that play the journal at `pace`, or at `speed`: 10 is ten times as fast, 0 does not wait at all."""
    return services(read(path), pace or Pace(speed))


def services(journal: Journal, pace: Pace) -> Services:
    """The same, of a journal that was read."""
    steps = {step: cast("Any", _Played(step, journal, pace)) for step in STEPS}
    return Services(site=journal.place, **steps)
