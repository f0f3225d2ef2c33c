"""What trainshed keeps on this machine: every kind, where it is, who can read it.

One bad file ends nothing: what cannot be read, or is not ours to touch, is listed and left alone.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..site import paths
from . import elsewhere, ours
from .elsewhere import Entry
from .elsewhere import remember as remember

TEMPORARY = "trainshed-artifact-"
LOCK = "workspace.lock"  # empty; whoever waits for it holds it open, so it is never removed
IN_USE_S = 300.0  # a younger one may be in use

Places = Iterator[Path | OSError]  # an OSError: a folder that cannot be read


def _nowhere() -> Places:
    return iter(())


@dataclass(frozen=True)
class Kind:
    """`open`: its modes are nobody's concern, or the person's. `asked`: removed only where it is named.

    `ours` is False where a person's own files may be among it: then it is listed and never removed. `noted`: it is
    found by the list of paths. `base`: below it no link is followed.
    """

    name: str
    holds: str
    find: Callable[[], Places] = _nowhere
    open: bool = False
    asked: bool = False
    ours: bool = True
    noted: str = ""
    base: Callable[[], Path] = lambda: paths.states()


@dataclass(frozen=True)
class Item:
    """`open_to`: what in it others can read, or could if its folder let them; `mode` is of the item itself.

    `left`: why nobody touches it, to be read after its path. `untouched`: the same of what is open in it, by path.
    """

    kind: Kind
    path: Path
    bytes: int = 0
    files: int = 0
    mode: int = 0
    modified: float = 0.0
    open_to: tuple[Path, ...] = ()
    entry: Entry | None = None
    left: str = ""
    untouched: tuple[tuple[Path, str], ...] = ()


def _in_sites(*patterns: str) -> Callable[[], Places]:
    def find() -> Places:
        for pattern in patterns:
            yield from _matching(paths.states(), ("*", *pattern.split("/")))

    return find


def _matching(folder: Path, parts: tuple[str, ...]) -> Places:
    """As a glob, but through no link."""
    for path in _inside(folder):
        if isinstance(path, OSError):
            yield path
        elif fnmatch.fnmatchcase(path.name, parts[0]):
            if len(parts) == 1:
                yield path
            elif _is_folder(path):
                yield from _matching(path, parts[1:])


def _inside(folder: Path) -> Places:
    try:
        yield from sorted(folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        yield error


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _temporary() -> Places:
    """Of a program that was killed: whoever ends in good order leaves none."""
    for path in _matching(Path(tempfile.gettempdir()), (f"{TEMPORARY}*",)):
        with contextlib.suppress(*ours.FAULTS):
            if not isinstance(path, OSError) and _is_left_over(path):
                yield path


def _is_left_over(path: Path) -> bool:
    status, young = path.lstat(), time.time() - IN_USE_S
    mine = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    return mine and all(place.lstat().st_mtime < young for place in _below(path))


def _demo() -> Places:
    if os.path.lexists(paths.demo()):
        yield paths.demo()


def _cache() -> Places:
    yield from _inside(paths.cache())


def _others() -> Places:
    """Whatever else is there: nothing of a state folder is left out, links neither."""
    known = {path for kind in KINDS if kind.name != "other" for path in kind.find()}
    known |= {entry.path for entry in _noted("journal", "log", "receipt")}
    above = {folder for path in known if isinstance(path, Path) for folder in path.parents}
    for site in _inside(paths.states()):
        inside = _inside(site) if isinstance(site, Path) and _is_folder(site) else [site]
        yield from (path for path in inside if path not in known and path not in above and not _is_lock(path))


def _is_lock(path: Path | OSError) -> bool:
    if isinstance(path, OSError) or path.name != LOCK:
        return False
    with contextlib.suppress(OSError):
        return path.lstat().st_size == 0
    return False


def _noted(*kinds: str) -> list[Entry]:
    try:
        return elsewhere.entries(*kinds)
    except OSError:
        return []


KINDS = (
    Kind("reports", "errors and crashes: titles, host and file names; what looks like a secret is taken out",
         _in_sites("reports/*")),
    Kind("screenshots", "what a screen showed: log text, metrics, host names", _in_sites("screenshots/*")),
    Kind("journals", "recorded sessions: log text, host, user and file names, fingerprints of host keys",
         noted="journal"),
    Kind("logs", "logs that were saved", noted="log"),
    Kind("checks", "reports of checks, wherever they were written: findings with evidence, names of hosts",
         noted="check", open=True, asked=True),
    Kind("receipts", "receipts of purges, wherever they were written: digests, folders, counts; names where asked for",
         _in_sites("receipts/*"), noted="receipt", asked=True),
    Kind("history", "how far each step came, what the checks found, which jobs were used: names of hosts and files",
         _in_sites("journeys/*", "checks/*", "jobs.json", "data.json")),
    Kind("temporary", "left by a program that was killed: artifacts of a run", _temporary,
         base=lambda: Path(tempfile.gettempdir())),
    Kind("other", "state of a site that is none of these kinds", lambda: _others()),
    Kind("downloads", "outputs and artifacts of runs, wherever they were downloaded to", noted="download",
         open=True, asked=True, ours=False),
    Kind("workspace", "the record of experiments: parameters, metrics, tags, artifacts, models' lineage",
         _in_sites("mlflow.db*", "artifacts"), asked=True),
    Kind("hosts", "host keys of jump hosts that were accepted", _in_sites("known_hosts"), asked=True),
    Kind("demo", "the embedded site with its VM: raw logs, data, outputs, models", _demo, open=True,
         asked=True, base=lambda: paths.demo().parent),
    Kind("cache", "packages that can be fetched again", _cache, open=True, asked=True, base=paths.cache),
)  # fmt: skip
NAMES = tuple(kind.name for kind in KINDS)


def found(names: Sequence[str] = ()) -> list[Item]:
    """Everything, or what is of these kinds. Blocks."""
    items: dict[Path, Item] = {}
    for kind in KINDS:
        if not names or kind.name in names:
            for item in _items(kind):
                items.setdefault(item.path, item)
    return list(items.values())


def _items(kind: Kind) -> Iterator[Item]:
    try:
        for entry in elsewhere.entries(kind.noted) if kind.noted else ():
            yield from _item(kind, entry.path, entry)
        for place in kind.find():
            if isinstance(place, OSError):
                yield Item(kind, Path(place.filename or kind.base()), left=ours.reason(place))
            else:
                yield from _item(kind, place)
    except OSError as error:
        where = Path(error.filename) if error.filename else paths.states().parent / elsewhere.NAME
        yield Item(kind, where, left=ours.reason(error))


def _item(kind: Kind, path: Path, entry: Entry | None = None) -> Iterator[Item]:
    """Nothing where it is not there."""
    try:
        status = path.lstat()
        left = _why_left(kind, status, entry)
        yield _whole(kind, path, status, left, entry)
    except (FileNotFoundError, NotADirectoryError):
        return
    except ours.FAULTS as error:
        yield Item(kind, path, entry=entry, left=ours.reason(error))


def _why_left(kind: Kind, status: os.stat_result, entry: Entry | None) -> str:
    """Raises OSError."""
    if entry is None or not kind.ours:
        return ours.why_left(status) if kind.ours else ""
    try:
        with elsewhere.opened(entry):
            return ""
    except ours.Left as why:
        return str(why)


def _whole(kind: Kind, path: Path, status: os.stat_result, left: str, entry: Entry | None) -> Item:
    """With what is in it, where it is not left alone. Raises RecursionError."""
    total, files, modified = 0, 0, status.st_mtime
    open_to, untouched = [], []
    for place in [path] if left else _below(path):
        try:
            here = place.lstat()
        except OSError:
            continue
        if stat.S_ISREG(here.st_mode):
            total, files = total + here.st_size, files + 1
        modified = max(modified, here.st_mtime)
        if left or kind.open or not here.st_mode & 0o077 or stat.S_ISLNK(here.st_mode):
            continue
        why = ours.why_left(here)
        if why:
            untouched.append((place, why))
        else:
            open_to.append(place)
    mode = stat.S_IMODE(status.st_mode)
    return Item(kind, path, total, files, mode, modified, tuple(open_to), entry, left, tuple(untouched))


def _below(path: Path) -> Iterator[Path]:
    yield path
    if _is_folder(path):
        for folder, inner, names in os.walk(path):
            yield from (Path(folder) / name for name in (*inner, *names))
