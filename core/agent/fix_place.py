"""Where settings of ours go in a configuration of sshd, so that they count: the first value wins."""

from __future__ import annotations

import glob
import os
import re
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

from . import hostfiles, sshd_files

MADE = "# Made by trainshed. `trainshed fix --undo` takes it back."
BEGIN, END = "# trainshed begins. `trainshed fix --undo` takes it back.", "# trainshed ends."
LINE = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)(?:\s+|\s*=\s*)(\S.*?)\s*$")
NAMES = ("10-trainshed", "00-trainshed", "00-00-trainshed", "0-trainshed")
Settings = Dict[str, str]


class Place(NamedTuple):
    """A drop-in of its own, or a block at the top of the server's file."""

    path: str
    block: bool
    stale: str = ""  # a drop-in of ours that does not count any more


def find(config: str, wanted: Set[str]) -> Place:
    """The folder that the server's file includes before it sets anything that is wanted, else the file's top.

    `wanted`: keywords in lower case. Raises OSError.
    """
    top = Place(os.path.realpath(config), True)
    text = read(config)
    if BEGIN in text.splitlines():
        return top
    before: Set[str] = set()
    for keyword, value in _lines(text):
        if keyword == "match":
            break
        if keyword != "include":
            before.add(keyword)
            continue
        for pattern in sshd_files.included("include " + value):
            place = _in_folder(pattern, wanted) if not before & wanted else None
            if place is not None:
                return place
            for path in sorted(glob.glob(pattern)):
                before |= _sets(path, set())
    return top


def _in_folder(pattern: str, wanted: Set[str]) -> "Place | None":
    """None: no name there would be included, or come first."""
    folder, name = os.path.split(pattern)
    start, star, end = name.partition("*")
    if not star or glob.has_magic(folder) or glob.has_magic(start) or glob.has_magic(end):
        return None
    found = sorted(glob.glob(pattern))
    ours = [path for path in found if read(path).startswith(MADE)]
    others = [path for path in found if path not in ours]
    if ours and not any(_sets(path, set()) & wanted for path in others if path < ours[0]):
        return Place(os.path.realpath(ours[0]), False)
    for stem in NAMES:
        path = os.path.join(folder, start + stem + end)
        if path not in found and all(path < other for other in others):
            return Place(path, False, ours[0] if ours else "")
    return None


def _lines(text: str) -> List[Tuple[str, str]]:
    matches = [LINE.match(line) for line in text.splitlines()]
    return [(match.group(1).lower(), match.group(2)) for match in matches if match]


def _sets(path: str, seen: Set[str]) -> Set[str]:
    """Keywords that a file sets, and those it includes; what is for a Match counts too, so that nothing is missed."""
    seen.add(path)
    found: Set[str] = set()
    for keyword, value in _lines(read(path)):
        found.add(keyword)
        for inner in _included(keyword, value, seen):
            found |= _sets(inner, seen)
    return found


def _included(keyword: str, value: str, seen: Set[str]) -> List[str]:
    """What a line includes beside what was `seen`: files that include each other have no end."""
    patterns = sshd_files.included("include " + value) if keyword == "include" else []
    return [path for pattern in patterns for path in sorted(glob.glob(pattern)) if path not in seen]


def read(path: str) -> str:
    """Any bytes of a plain file, as text that can be written again. Raises OSError."""
    return hostfiles.data(path).decode("utf-8", "surrogateescape")


def included_files(config: str) -> List[str]:
    """The server's file and all that it includes, Match blocks too."""
    seen: Set[str] = set()
    return list(dict.fromkeys(_all(config, seen)))


def _all(path: str, seen: Set[str]) -> Iterator[str]:
    seen.add(path)
    yield os.path.realpath(path)
    for keyword, value in _lines(read(path)):
        for inner in _included(keyword, value, seen):
            if inner not in seen:
                yield from _all(inner, seen)


def _ours(place: Place) -> str:
    """The text of ours that is there already; of a drop-in that does not count any more too."""
    if place.block:
        return _split(read(place.path))[1]
    return next((read(path) for path in (place.path, place.stale) if path and os.path.exists(path)), "")


def settings_of(place: Place) -> Settings:
    """Those of ours that are there already: of a keyword, the first line."""
    found: Settings = {}
    for line in _ours(place).splitlines():
        match = LINE.match(line)
        if match and match.group(1).lower() == "match":
            break
        if match and match.group(1).lower() not in map(str.lower, found):
            found[match.group(1)] = match.group(2)
    return found


def _changed(text: str, settings: Settings) -> str:
    """The same lines, where somebody has added some too, with these settings; new ones come before any Match."""
    left = {keyword.lower(): "%s %s\n" % (keyword, value) for keyword, value in settings.items()}
    lines: List[str] = []
    at = -1
    for line in text.splitlines(True):
        match = LINE.match(line)
        keyword = match.group(1).lower() if match else ""
        at = len(lines) if keyword == "match" and at < 0 else at
        fresh = left.pop(keyword, "") if at < 0 else ""
        same = match and fresh and fresh.split(None, 1)[1].strip() == match.group(2)
        lines.append(fresh if fresh and not same else line)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    at = len(lines) if at < 0 else at
    return "".join([*lines[:at], *left.values(), *lines[at:]])


def _split(text: str) -> Tuple[str, str, str]:
    """(before, inside, after) of a block of ours; ("", "", text) without one."""
    before, begin, rest = text.partition(BEGIN + "\n")
    inside, end, after = rest.partition(END + "\n")
    return (before, inside, after) if begin and end else ("", "", text)


def merged(old: Settings, new: Settings) -> Settings:
    """The order stays as it is: nothing is written where nothing changes."""
    names = {name.lower(): name for name in old}
    found = dict(old)
    for keyword, value in new.items():
        found[names.get(keyword.lower(), keyword)] = value
    return found


def text_of(place: Place, settings: Settings) -> str:
    """The whole file with these settings of ours in it."""
    if not place.block:
        return _changed(_ours(place) or MADE + "\n", settings)
    before, inside, after = _split(read(place.path))
    return "%s%s\n%s%s\n%s" % (before, BEGIN, _changed(inside, settings), END, after)


def other_text(path: str, lines: List[str]) -> str:
    """The same for a file of another program, `KEY = VALUE` a line, where the last value wins."""
    there = read(path) if os.path.exists(path) else ""
    own = not there or there.startswith(MADE)
    before, inside, after = ("", there[len(MADE) + 1 :], "") if own else _split(there)
    kept = {_key(line): line for line in inside.splitlines() if line.strip()}
    kept.update({_key(line): line for line in lines})
    body = "".join(line + "\n" for line in kept.values())
    if own:
        return "%s\n%s" % (MADE, body)
    if not before and not inside:
        before, after = after + ("" if after.endswith("\n") else "\n"), ""
    return "%s%s\n%s%s\n%s" % (before, BEGIN, body, END, after)


def _key(line: str) -> str:
    return line.partition("=")[0].strip()
