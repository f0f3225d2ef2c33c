"""pip requirements that are complete in themselves: `-r` lines inlined, what the VM cannot have refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import JobError
from . import requirement_line

INCLUDE = re.compile(r"(?:-r\s*|--requirement[\s=]+)(\S+)")
DEPTH = 10  # of files that include files


def read(path: Path) -> str:
    """The whole text of a requirements file. Raises JobError that names the file and the line."""
    return _text(_of_file(path, path.parent.resolve(), DEPTH))


def complete(lines: Iterable[str], folder: Path, where: str, top: Path | None = None) -> str:
    """`folder`: where relative `-r` paths begin; `where`: what a message names; `top`: the folder that every included
    file has to be in, `folder` where there is none. Raises JobError.
    """
    top = (top or folder).resolve()
    return _text(line for text in lines for line in _expanded(text, folder, top, where, DEPTH))


def _text(lines: Iterable[str]) -> str:
    return "".join(line + "\n" for line in lines)


def _expanded(text: str, folder: Path, top: Path, where: str, depth: int) -> list[str]:
    line = re.sub(r"(^|\s)#.*$", "", text).strip()
    if not line:
        return []
    include = INCLUDE.fullmatch(line) if line.isprintable() else None
    if include is None:
        _check(line, where)
        return [line]
    path = folder / include.group(1)
    refused = f"{where}: {requirement_line.shown(line)}: "
    if not path.resolve().is_relative_to(top):
        # its words would be asked for at an index, as names of packages
        raise JobError(f"{refused}is outside of {top}", hint=f"copy the file to below {top}, or write its lines out")
    if not path.is_file():
        raise JobError(f"{refused}there is no file {path}")
    if depth == 0:
        raise JobError(f"{refused}files include each other")
    return _of_file(path, top, depth - 1)


def _of_file(path: Path, top: Path, depth: int) -> list[str]:
    found = []
    for number, line in _numbered(path.read_text("utf-8", errors="replace")):
        found += _expanded(line, path.parent, top, f"{path}:{number}", depth)
    return found


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first: a backslash at the end joins the next one."""
    start, held = 1, ""
    for number, line in enumerate(text.split("\n"), 1):  # splitlines() knows more ends of lines than an editor shows
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        yield start, held + line
        start, held = number + 1, ""
    if held:
        yield start, held


def _check(line: str, where: str) -> None:
    reason = requirement_line.refused(line)
    if reason:
        raise JobError(f"{where}: {requirement_line.shown(line)}: {reason[0]}", hint=reason[1])
