"""What of a code folder, or of data on this machine, goes to the VM: which files, which links, and what is refused.

Ignore rules are Azure ML's: `.amlignore` in place of `.gitignore`, each path judged by the last pattern that matches.
One in a folder below counts too, after those above it, as git has it: Azure ML reads the one in the root alone.
Links are not followed, as Azure ML does: one that leaves the folder would carry data out of the site and is refused.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from .. import amounts
from ..errors import JobError

if TYPE_CHECKING:
    from pathspec import PathSpec

Refuse = Callable[[JobError], None]
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
    ignore_file: str  # the one in the root that is in use, or ""
    file: str = ""  # of a single file: where it really is

    @property
    def bytes(self) -> int:
        return sum(entry.size for entry in self.entries)


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """All that would travel, and each thing that is refused."""

    manifest: Manifest
    ignore_files: list[str]  # those in use, relative
    refused: list[JobError]  # without too much as a whole, see `too_much`; `facts`: path


def manifest(folder: Path, where: str = "code", advice: str = CODE_ADVICE) -> Manifest:
    """`where` begins the messages: what named the folder; `advice` ends that of too much. Raises JobError. Blocks."""
    found = _walked(folder, where, _raised).manifest
    error = too_much(found, where, advice)
    if error is not None:
        raise error
    return found


def survey(folder: Path, where: str = "code") -> Survey:
    """The same with everything that is refused. Raises JobError where there are too many files to go on. Blocks."""
    refused: list[JobError] = []
    found = _walked(folder, where, refused.append)
    return msgspec.structs.replace(found, refused=refused)


def _raised(error: JobError) -> None:
    raise error


def _walked(folder: Path, where: str, refuse: Refuse) -> Survey:
    folder = folder.resolve()
    entries: list[Entry] = []
    ignore_files: list[str] = []
    for entry in _walk(folder, where, refuse, ignore_files):
        entries.append(entry)
        if len(entries) > STOP_COUNTING:
            raise JobError(f"{where}: {folder} has more than {STOP_COUNTING} files", hint="is it the right folder?")
    entries.sort(key=lambda entry: entry.path.encode())
    root = next((name for name in ignore_files if "/" not in name), "")
    found = Manifest(folder=str(folder), entries=entries, ignore_file=root)
    return Survey(manifest=found, ignore_files=ignore_files, refused=[])


def of_file(path: Path, where: str) -> Manifest:
    """Of a single file; a link to one is the file. Raises JobError. Blocks."""
    real = path.resolve()
    entry = _entry(path.parent, path.name, real.stat(), where)
    found = Manifest(folder=str(path.parent), entries=[entry], ignore_file="", file=str(real))
    error = too_much(found, where, DATA_ADVICE)
    if error is not None:
        raise error
    return found


class _Rules:
    """What the ignore files from the root down to one folder say. A file of a folder below has the last word."""

    def __init__(self, specs: tuple[tuple[int, PathSpec[Any]], ...] = ()) -> None:
        self._specs = specs  # each with the length of its folder's path
        self.prune = not any(pattern.include is False for _, spec in specs for pattern in spec.patterns)

    def ignored(self, path: str) -> bool:
        verdicts = (spec.check_file(path[start:]).include for start, spec in reversed(self._specs))
        return bool(next((verdict for verdict in verdicts if verdict is not None), False))

    def below(self, folder: Path, inside: str, name: str, where: str) -> _Rules:
        """With those of the file `name` in the folder. Raises JobError."""
        from pathspec import PathSpec

        path = folder / inside / name
        try:
            spec: PathSpec[Any] = PathSpec.from_lines("gitignore", path.read_text(encoding="utf-8-sig").splitlines())
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise JobError(f"{where}: {path} cannot be read: {error}", path=f"{inside}{name}") from None
        return _Rules((*self._specs, (len(inside), spec)))


def _walk(folder: Path, where: str, refuse: Refuse, ignore_files: list[str]) -> Iterator[Entry]:
    """`ignore_files`: those that were found are added, each before what it says counts."""
    waiting = [("", _Rules(), False)]
    while waiting:
        inside, rules, left = waiting.pop()
        try:
            with os.scandir(folder / inside) as found:
                items = list(found)
            name = "" if left else _ignore_file(items)  # a folder that stays behind takes nothing back by itself
            if name:
                rules = rules.below(folder, inside, name, where)
                ignore_files.append(f"{inside}{name}")
        except OSError as error:
            shown = (folder / inside).as_posix().encode("utf-8", "backslashreplace").decode()
            refuse(JobError(f"{where}: {shown} cannot be read: {error.strerror}", path=inside))
            continue
        except JobError as error:
            refuse(error)
        for item in items:
            path = f"{inside}{item.name}"
            if item.name in LEFT_OUT:
                continue
            if item.is_dir(follow_symlinks=False):
                ignored = rules.ignored(f"{path}/")
                if not (rules.prune and ignored):
                    waiting.append((f"{path}/", rules, ignored))
            elif not rules.ignored(path):
                try:
                    yield _entry(folder, path, item.stat(follow_symlinks=False), where)
                except JobError as error:
                    refuse(error)


def _ignore_file(items: list[os.DirEntry[str]]) -> str:
    names = {item.name for item in items if item.name in IGNORE_FILES and item.is_file()}
    return next((name for name in IGNORE_FILES if name in names), "")


def _entry(folder: Path, path: str, info: os.stat_result, where: str) -> Entry:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise JobError(f"{where}: the name {path!a} is not UTF-8", hint="rename it", path=path) from None
    if stat.S_ISLNK(info.st_mode):
        return Entry(path, 0, link=_link(folder, path, where))
    if not stat.S_ISREG(info.st_mode):
        title = f"{where}: {path} is neither a file, a folder nor a link"
        raise JobError(title, hint=_ignore_hint(folder, path), path=path)
    if not os.access(folder / path, os.R_OK):
        raise JobError(f"{where}: {path} cannot be read", hint=_ignore_hint(folder, path), path=path)
    return Entry(path, info.st_size, executable=bool(info.st_mode & stat.S_IXUSR))


def _link(folder: Path, path: str, where: str) -> str:
    place = folder / path
    target = os.readlink(place)  # noqa: PTH115 (as it is written)
    real = os.path.realpath(place)
    if real != str(folder) and not real.startswith(f"{folder}{os.sep}"):
        title = f"{where}: the link {path} -> {target} leaves the folder"
        raise JobError(title, hint=_ignore_hint(folder, path), path=path)
    try:
        target.encode()
    except UnicodeEncodeError:
        raise JobError(f"{where}: the target of the link {path!a} is not UTF-8", path=path) from None
    if not os.path.isabs(target):  # noqa: PTH117
        return target
    return os.path.relpath(real, place.parent)


def _ignore_hint(folder: Path, path: str) -> str:
    name = next((name for name in IGNORE_FILES if (folder / name).exists()), ".amlignore")
    return f"take it away, or list /{path} in {folder / name}"


def too_much(found: Manifest, where: str, advice: str = CODE_ADVICE) -> JobError | None:
    """What to say where it is more than a snapshot may have."""
    if len(found.entries) <= MOST_FILES and found.bytes <= MOST_BYTES:
        return None
    largest = sorted(found.entries, key=lambda entry: -entry.size)[:5]
    names = ", ".join(f"{entry.path} ({amounts.size(entry.size)})" for entry in largest)
    return JobError(
        f"{where}: {amounts.plural(len(found.entries), 'file')}, {amounts.size(found.bytes)}: "
        f"a snapshot has {MOST_FILES:,} files and {amounts.size(MOST_BYTES)} at most",
        hint=f"the largest: {names}; {advice}",
    )
