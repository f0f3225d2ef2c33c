"""What of a code folder, or of data on this machine, goes to the VM: which files, which links, and what is refused.

Ignore rules are Azure ML's: one file in the root of the folder, `.amlignore` in place of `.gitignore`, each path
judged by the last pattern that matches it. Links are not followed, as Azure ML does: one that leaves the
folder would carry data out of the site, so it is refused.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from .. import amounts
from ..errors import JobError

MOST_FILES = 2000  # Azure ML's limits of a snapshot
MOST_BYTES = 300 * 1000 * 1000
STOP_COUNTING = 50_000
LEFT_OUT = frozenset({".git", "__pycache__", ".venv"})
CODE_ADVICE = "list what the job does not need in .amlignore"
DATA_ADVICE = "put it into the site's container and name it there: azureml://datastores/site/paths/…"
IGNORE_FILES = (".amlignore", ".gitignore")


class Entry(msgspec.Struct, frozen=True):
    path: str  # relative, with "/"
    size: int
    executable: bool = False
    link: str | None = None  # the target, relative to the link's folder


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    folder: str
    entries: list[Entry]  # sorted by path
    ignore_file: str  # the one in use, or ""
    file: str = ""  # of a single file: where it really is

    @property
    def bytes(self) -> int:
        return sum(entry.size for entry in self.entries)


def manifest(folder: Path, where: str = "code", advice: str = CODE_ADVICE) -> Manifest:
    """`where` begins the messages: what named the folder; `advice` ends that of too much. Raises JobError. Blocks."""
    folder = folder.resolve()
    ignored, ignore_file, prunes = _rules(folder, where)
    entries: list[Entry] = []
    for entry in _walk(folder, "", ignored, prunes, where):
        entries.append(entry)
        if len(entries) > STOP_COUNTING:
            raise JobError(f"{where}: {folder} has more than {STOP_COUNTING} files", hint="is it the right folder?")
    entries.sort(key=lambda entry: entry.path.encode())
    found = Manifest(folder=str(folder), entries=entries, ignore_file=ignore_file)
    _within_limits(found, where, advice)
    return found


def of_file(path: Path, where: str) -> Manifest:
    """Of a single file; a link to one is the file. Raises JobError. Blocks."""
    real = path.resolve()
    entry = _entry(path.parent, path.name, real.stat(), where)
    found = Manifest(folder=str(path.parent), entries=[entry], ignore_file="", file=str(real))
    _within_limits(found, where, DATA_ADVICE)
    return found


def _rules(folder: Path, where: str) -> tuple[Callable[[str], bool], str, bool]:
    """(is a path ignored, the file that says so, may an ignored folder be skipped whole)."""
    name = next((name for name in IGNORE_FILES if (folder / name).is_file()), "")
    if not name:
        return (lambda _path: False), "", True
    from pathspec import PathSpec

    try:
        spec = PathSpec.from_lines("gitignore", (folder / name).read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise JobError(f"{where}: {folder / name} cannot be read: {error}") from None
    return spec.match_file, name, not any(pattern.include is False for pattern in spec.patterns)


def _walk(folder: Path, inside: str, ignored: Callable[[str], bool], prunes: bool, where: str) -> Iterator[Entry]:
    try:
        with os.scandir(folder / inside) as found:
            items = list(found)
    except OSError as error:
        raise JobError(f"{where}: {folder / inside} cannot be read: {error.strerror}") from None
    for item in items:
        path = f"{inside}{item.name}"
        if item.name in LEFT_OUT:
            continue
        if item.is_dir(follow_symlinks=False):
            if not (prunes and ignored(f"{path}/")):
                yield from _walk(folder, f"{path}/", ignored, prunes, where)
        elif not ignored(path):
            yield _entry(folder, path, item.stat(follow_symlinks=False), where)


def _entry(folder: Path, path: str, info: os.stat_result, where: str) -> Entry:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise JobError(f"{where}: the name {path!a} is not UTF-8", hint="rename it") from None
    if stat.S_ISLNK(info.st_mode):
        return Entry(path, 0, link=_link(folder, path, where))
    if not stat.S_ISREG(info.st_mode):
        raise JobError(f"{where}: {path} is neither a file, a folder nor a link", hint=_ignore_hint(folder, path))
    if not os.access(folder / path, os.R_OK):
        raise JobError(f"{where}: {path} cannot be read", hint=_ignore_hint(folder, path))
    return Entry(path, info.st_size, executable=bool(info.st_mode & stat.S_IXUSR))


def _link(folder: Path, path: str, where: str) -> str:
    place = folder / path
    target = os.readlink(place)  # noqa: PTH115 (as it is written)
    real = os.path.realpath(place)
    if real != str(folder) and not real.startswith(f"{folder}{os.sep}"):
        raise JobError(f"{where}: the link {path} -> {target} leaves the folder", hint=_ignore_hint(folder, path))
    try:
        target.encode()
    except UnicodeEncodeError:
        raise JobError(f"{where}: the target of the link {path!a} is not UTF-8") from None
    if not os.path.isabs(target):  # noqa: PTH117
        return target
    return os.path.relpath(real, place.parent)


def _ignore_hint(folder: Path, path: str) -> str:
    name = next((name for name in IGNORE_FILES if (folder / name).exists()), ".amlignore")
    return f"take it away, or list /{path} in {folder / name}"


def _within_limits(found: Manifest, where: str, advice: str) -> None:
    if len(found.entries) <= MOST_FILES and found.bytes <= MOST_BYTES:
        return
    largest = sorted(found.entries, key=lambda entry: -entry.size)[:5]
    names = ", ".join(f"{entry.path} ({amounts.size(entry.size)})" for entry in largest)
    raise JobError(
        f"{where}: {amounts.plural(len(found.entries), 'file')}, {amounts.size(found.bytes)}: "
        f"a snapshot has {MOST_FILES:,} files and {amounts.size(MOST_BYTES)} at most",
        hint=f"the largest: {names}; {advice}",
    )
