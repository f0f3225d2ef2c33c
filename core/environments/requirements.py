"""pip requirements that are complete in themselves: `-r` lines inlined, what the VM cannot have refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import JobError

INCLUDE = re.compile(r"(?:-r\s*|--requirement[\s=]+)(\S+)")
EDITABLE = re.compile(r"(-e|--editable)\b")
VCS = re.compile(r"(?:[\w.\[\],-]+\s*@\s*)?(git|hg|svn|bzr)\+", re.IGNORECASE)
LOCAL = re.compile(r"(?:[\w.\[\],-]+\s*@\s*)?(file:|\.{1,2}(/|$)|/|~)", re.IGNORECASE)
CREDENTIAL = re.compile(r"://[^/\s@]+@")
INDEX = re.compile(r"(--index-url|-i|--extra-index-url|--find-links|-f)[\s=]+https?://\S+")
OPTION = re.compile(
    r"--(pre|prefer-binary|require-hashes|only-binary[\s=]\S+|no-binary[\s=]\S+|trusted-host[\s=]\S+|no-index)"
)
REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*\s*(\[|[=<>!~;@]|\s|$)|https?://)")
DEPTH = 10  # of files that include files


def read(path: Path) -> str:
    """The whole text of a requirements file. Raises JobError that names the file and the line."""
    return complete([f"-r {path.name}"], path.parent, str(path))


def complete(lines: Iterable[str], folder: Path, where: str) -> str:
    """`folder`: where relative `-r` paths begin; `where`: what a message names."""
    found = [line for text in lines for line in _expanded(text, folder, where, DEPTH)]
    return "".join(line + "\n" for line in found)


def _expanded(text: str, folder: Path, where: str, depth: int) -> list[str]:
    line = re.sub(r"(^|\s)#.*$", "", text).strip()
    if not line:
        return []
    include = INCLUDE.fullmatch(line)
    if include is None:
        _check(line, where)
        return [line]
    path = folder / include.group(1)
    if not path.is_file():
        raise JobError(f"{where}: {line}: there is no file {path}")
    if depth == 0:
        raise JobError(f"{where}: {line}: files include each other")
    nested = []
    for number, inner in _numbered(path.read_text("utf-8", errors="replace")):
        nested += _expanded(inner, path.parent, f"{path}:{number}", depth - 1)
    return nested


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first: a backslash at the end joins the next one."""
    start, held = 1, ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        yield start, held + line
        start, held = number + 1, ""
    if held:
        yield start, held


def _check(line: str, where: str) -> None:
    reason = _refused(line)
    if reason:
        raise JobError(f"{where}: {CREDENTIAL.sub('://***@', line)}: {reason[0]}", hint=reason[1])


def _refused(line: str) -> tuple[str, str] | None:
    if CREDENTIAL.search(line):
        return "has a credential in it, which would be kept on the VM", "put it into /etc/pip.conf on the VM"
    if EDITABLE.match(line):
        return "an editable package lives on this machine, not on the VM", "put its source into the job's code folder"
    if VCS.match(line):
        return "a package out of version control has no fixed content", "name a released version"
    if LOCAL.match(line):
        return "a local path is not on the VM", "put the source into the job's code folder, or name a released version"
    if line.startswith("-"):
        if INDEX.fullmatch(line) or OPTION.fullmatch(line):
            return None
        return "this option cannot be used here", "write the requirements out, one a line"
    if not REQUIREMENT.match(line):
        return "is not a requirement", "NAME==VERSION, one a line"
    return None
