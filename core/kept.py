"""What trainshed keeps on this machine: every kind, where it is, who can read it, and its removal.

What a person put elsewhere (a journal, a download, a saved log) is found again by a list of paths in the state folder.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import UsageError
from .site import paths

ELSEWHERE = "elsewhere.jsonl"
TEMPORARY = "trainshed-artifact-"
IN_USE_S = 300.0  # a younger one may be in use
LONGEST_LINE = 8192


@dataclass(frozen=True)
class Kind:
    """`open`: its modes are nobody's concern, or the person's. `asked`: removed only where it is named.

    `ours` is False where a person's own files may be among it: then it is listed and never removed.
    """

    name: str
    holds: str
    find: Callable[[], Iterator[Path]]
    open: bool = False
    asked: bool = False
    ours: bool = True


@dataclass(frozen=True)
class Item:
    """`open_to`: what in it others can read, or could if its folder let them; `mode` is of the item itself."""

    kind: Kind
    path: Path
    bytes: int
    files: int
    mode: int
    modified: float
    open_to: tuple[Path, ...] = ()


def _in_sites(*patterns: str) -> Callable[[], Iterator[Path]]:
    def find() -> Iterator[Path]:
        for pattern in patterns:
            yield from sorted(paths.states().glob(f"*/{pattern}"))

    return find


def _elsewhere(kind: str) -> Callable[[], Iterator[Path]]:
    return lambda: (path for known, path in _remembered() if known == kind and os.path.lexists(path))


def _workspaces() -> Iterator[Path]:
    yield from _in_sites("mlflow.db*", "artifacts", "workspace.lock")()


def _temporary() -> Iterator[Path]:
    """Of a program that was killed: whoever ends in good order leaves none."""
    for path in sorted(Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*")):
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and status.st_mtime < time.time() - IN_USE_S:
            yield path


def _demo() -> Iterator[Path]:
    if paths.demo().is_dir():
        yield paths.demo()


def _cache() -> Iterator[Path]:
    if paths.cache().is_dir():
        yield from sorted(paths.cache().iterdir())


def _others() -> Iterator[Path]:
    """Whatever else is there: nothing of a state folder is left out."""
    known = {path for kind in KINDS if kind.name != "other" for path in kind.find()}
    for site in sorted(paths.states().glob("*")):
        inside = sorted(site.iterdir()) if site.is_dir() else [site]
        for path in inside:
            if path not in known and not any(path in one.parents for one in known):
                yield path


KINDS = (
    Kind("reports", "errors and crashes: titles, host and file names; what looks like a secret is taken out",
         _in_sites("reports/*")),
    Kind("screenshots", "what a screen showed: log text, metrics, host names", _in_sites("screenshots/*")),
    Kind("journals", "recorded sessions: log text, host, user and file names, fingerprints of host keys",
         _elsewhere("journal")),
    Kind("logs", "logs that were saved", _elsewhere("log")),
    Kind("history", "how far each step came and which jobs were used: results, digests, names of hosts and files",
         _in_sites("journeys/*", "jobs.json")),
    Kind("temporary", "left by a program that was killed: artifacts of a run", _temporary),
    Kind("other", "state of a site that is none of these kinds", lambda: _others()),
    Kind("downloads", "outputs and artifacts of runs, wherever they were downloaded to", _elsewhere("download"),
         open=True, asked=True, ours=False),
    Kind("workspace", "the record of experiments: parameters, metrics, tags, artifacts, models' lineage", _workspaces,
         asked=True),
    Kind("hosts", "host keys of jump hosts that were accepted", _in_sites("known_hosts"), asked=True),
    Kind("demo", "the embedded site with its VM: raw logs, data, outputs, models", _demo, open=True,
         asked=True),
    Kind("cache", "packages that can be fetched again", _cache, open=True, asked=True),
)  # fmt: skip
NAMES = tuple(kind.name for kind in KINDS)


def remember(kind: str, path: Path) -> None:
    """Notes a file or folder of `kind` (journal, log, download) that a person has put at `path`.

    Where that cannot be noted, what was asked for is done all the same.
    """
    line = json.dumps({"kind": kind, "path": str(path.absolute()), "at": int(time.time())}) + "\n"
    try:
        place = paths.make_private(paths.states().parent) / ELSEWHERE
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(line)
    except OSError:
        pass


def _remembered() -> Iterator[tuple[str, Path]]:
    """Each once; a line that cannot be read is passed over."""
    try:
        text = (paths.states().parent / ELSEWHERE).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    seen = set()
    for line in text.splitlines():
        try:
            entry = json.loads(line[:LONGEST_LINE])
            found = (str(entry["kind"]), Path(entry["path"]))
        except (ValueError, KeyError, TypeError):
            continue
        if found not in seen:
            seen.add(found)
            yield found


def found(names: Sequence[str] = ()) -> list[Item]:
    """Everything, or what is of these kinds. Blocks."""
    return [_item(kind, path) for kind in KINDS if not names or kind.name in names for path in kind.find()]


def _item(kind: Kind, path: Path) -> Item:
    status = path.lstat()
    total, files, modified, open_to = 0, 0, status.st_mtime, []
    for place in _below(path):
        here = place.lstat()
        if stat.S_ISREG(here.st_mode):
            total, files = total + here.st_size, files + 1
        modified = max(modified, here.st_mtime)
        if not kind.open and here.st_mode & 0o077 and not stat.S_ISLNK(here.st_mode):
            open_to.append(place)
    return Item(kind, path, total, files, stat.S_IMODE(status.st_mode), modified, tuple(open_to))


def _below(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        for folder, inner, names in os.walk(path):
            yield from (Path(folder) / name for name in (*inner, *names))


def mended(item: Item) -> list[Path]:
    """Takes from others what they could do with the item; the paths that were changed. Blocks."""
    changed = []
    for path in item.open_to:
        try:
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & 0o700, follow_symlinks=False)
        except (FileNotFoundError, NotImplementedError):
            continue
        changed.append(path)
    return changed


def remove(item: Item) -> None:
    """Blocks. Raises UsageError for what is in use, not ours, no longer what it was, or cannot be removed."""
    if not item.kind.ours:
        raise UsageError(
            f"{item.path} is in a place that you chose: files of yours may be among it", hint="rm removes it"
        )
    if item.kind.name == "demo":
        _refuse_a_running_demo()
    if item.kind.name == "journals" and not _is_journal(item.path):
        raise UsageError(f"{item.path} is no journal any more: it stays")
    try:
        if item.path.is_dir() and not item.path.is_symlink():
            for folder, _, _ in os.walk(item.path):
                Path(folder).chmod(0o700)  # staged data are read-only, folders too
            shutil.rmtree(item.path)
        else:
            item.path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{error.filename or item.path} cannot be removed: {error.strerror}") from None


def _is_journal(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(10) == b'{"journal"'
    except OSError:
        return False


def _refuse_a_running_demo() -> None:
    from .demo.processes import Processes

    processes = Processes(paths.demo())
    if processes.items:
        raise UsageError("the embedded site is running, or was not stopped in good order", hint="trainshed demo down")


def forget_what_is_gone() -> None:
    """Takes paths that are not there any more out of the list of paths. Blocks."""
    place = paths.states().parent / ELSEWHERE
    if not place.exists():
        return
    kept = [(kind, path) for kind, path in _remembered() if os.path.lexists(path)]
    place.unlink()
    for kind, path in kept:
        remember(kind, path)
