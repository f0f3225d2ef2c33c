"""Job files that may be meant: those near a folder, and those that were launched on a site.

Of the latter only paths are kept, in the site's state folder (0600).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from .. import threads
from ..errors import JobError, JobTaken
from ..site import paths
from . import load
from .document import LARGEST_FILE
from .manifest import LEFT_OUT

DEEPEST = 4  # folders below
MOST_LOOKED_AT = 5000  # entries of folders: beyond that a person types the path
MOST_KEPT = 30
_SKIPPED = LEFT_OUT | {"node_modules", "site-packages"}
_COMMAND = re.compile(rb"^[\"']?command[\"']?\s*:", re.MULTILINE)
_ENVIRONMENT = re.compile(rb"^[\"']?environment[\"']?\s*:", re.MULTILINE)
_OTHER = re.compile(rb"^[\"']?(?:jobs|trial)[\"']?\s*:", re.MULTILINE)


def near(folder: Path) -> list[Path]:
    """Files of `folder` and below that look like command jobs, the nearest first. Nothing is parsed. Blocks."""
    found = [path for path in _files(folder) if looks_like_one(path)]
    return sorted(found, key=lambda path: (len(path.parts), str(path)))


def looks_like_one(path: Path) -> bool:
    """A small YAML file that has a command and an environment at its top. Blocks."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_FILE:
            return False
        text = path.read_bytes()
    except OSError:
        return False
    return bool(_COMMAND.search(text) and _ENVIRONMENT.search(text) and not _OTHER.search(text))


def _files(folder: Path) -> Iterator[Path]:
    looked_at, level = 0, [folder]
    for _ in range(DEEPEST):
        below: list[Path] = []
        for place in level:
            for entry in _entries(place):
                looked_at += 1
                if looked_at > MOST_LOOKED_AT:
                    return
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith(".") and entry.name not in _SKIPPED:
                        below.append(Path(entry.path))
                elif entry.name.endswith((".yml", ".yaml")):
                    yield Path(entry.path)
        level = below


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


def launched(site: str) -> list[Path]:
    """The newest first, as far as they are still there. Blocks."""
    return [path for path in map(Path, _kept(site)) if path.is_file()]


def remember(site: str, path: Path) -> None:
    """Puts the path of a job file that was launched first. Where that cannot be written nothing is said. Blocks."""
    text = str(path.absolute())
    kept = [text, *(known for known in _kept(site) if known != text)][:MOST_KEPT]
    try:
        paths.make_private(paths.state(site))
        _write(_store(site), json.dumps(kept), replace=True)
    except OSError:
        pass


async def offered(site: str, folder: Path) -> tuple[list[Path], list[Path]]:
    """(launched on the site, near the folder), none twice."""
    known, found = await threads.call(launched, site), await threads.call(near, folder)
    there = {path.resolve() for path in known}
    return known, [path for path in found if path.resolve() not in there]


async def completed(text: str) -> str | None:
    """The path that `text` is the beginning of: a folder or a YAML file, as it is typed (`~` stays)."""
    return await threads.call(_completed, text)


def _completed(text: str) -> str | None:
    head, slash, start = text.rpartition("/")
    if not text or (text.startswith("~") and not slash):
        return None
    for entry in _entries(paths.expanded(f"{head}{slash}" or ".")):
        is_folder = entry.is_dir()
        hidden = entry.name.startswith(".") and not start.startswith(".")
        if hidden or not entry.name.startswith(start) or not (is_folder or entry.name.endswith((".yml", ".yaml"))):
            continue
        return f"{head}{slash}{entry.name}" + "/" * is_folder
    return None


async def keep(text: str, path: Path, *, kept: str = "") -> str:
    """Writes a job file that was typed, for its owner alone (0600). Returns the digest of what was written.

    `kept`: that of what was written there before, which is written over as long as nobody else changed it.
    Raises JobTaken for another file that is there, and JobError where it cannot be written.
    """
    try:
        return await threads.call(_keep, path, text, kept)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no file can have that name, or that text"
        raise JobError(f"{path} cannot be written: {why}", hint="name a file in a folder of yours") from None


def _keep(path: Path, text: str, kept: str) -> str:
    there = _digest(path)
    if there and there != kept:
        changed = f"{path} was changed since it was kept here" if kept else f"{path} is there already"
        beside = str(_beside(path))
        raise JobTaken(changed, hint=f"nothing is written over: keep this one beside it, as {beside}", beside=beside)
    _write(path, text, replace=bool(there))
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(path: Path) -> str:
    """ "" for what is not there; of what is no file, or is too large for a job, nothing is read."""
    try:
        info = path.lstat()
        if not stat.S_ISREG(info.st_mode) or info.st_size > LARGEST_FILE:
            return "another"
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def _beside(path: Path) -> Path:
    """A name that is free: `job-2.yml`."""
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
    return next(name for name in names if not os.path.lexists(name))


async def read(path: Path) -> None:
    """Raises JobError, which names line and key, for what is no job file."""
    await threads.call(load.load, path)


def _store(site: str) -> Path:
    return paths.state(site) / "jobs.json"


def _kept(site: str) -> list[str]:
    try:
        kept = json.loads(_store(site).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [item for item in kept if isinstance(item, str)] if isinstance(kept, list) else []


def _write(path: Path, text: str, *, replace: bool) -> None:
    """Without `replace` a file that is there is a FileExistsError; with it the file is replaced whole."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}") if replace else path
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        if replace:
            new.replace(path)
    except (OSError, ValueError):  # no room, or half a character
        new.unlink(missing_ok=True)
        raise
