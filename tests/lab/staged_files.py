"""What is staged on a VM, by its own files: hashes, and whether a folder is a whole version."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
from pathlib import Path

Truth = dict[str, str]  # path -> sha256


def hashes(folder: Path) -> Truth:
    found = {}
    for inside, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(inside, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def shown(data: Path) -> list[str]:
    """What a person can see in the folder of staged data."""
    return sorted(name for name in os.listdir(data) if name[0] != ".") if data.exists() else []


def not_whole(place: Path) -> list[str]:
    """Why a folder is no staged version: by its name, its manifest and the files that are there."""
    try:
        entries = json.loads((place / "manifest.json").read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        return [f"{place.name[:12]} has no manifest: {error}"]
    found = []
    files = hashes(place / "files")
    if files != {entry["path"]: entry["sha256"] for entry in entries}:
        found.append(f"{place.name[:12]}: the files are not those of its manifest")
    sizes = {path: (place / "files" / path).stat() for path in files}
    lines = sorted(f"{path}\0{sizes[path].st_size}\0{sha256}\n" for path, sha256 in files.items())
    if hashlib.sha256("".join(lines).encode()).hexdigest() != place.name:
        found.append(f"{place.name[:12]}: it has another digest")
    writable = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    if any(status.st_mode & writable for status in sizes.values()):
        found.append(f"{place.name[:12]}: a file can be written to")
    return found


def remove(folder: Path) -> None:
    """A file, or a folder with read-only ones in it."""
    if not folder.is_dir():
        folder.unlink()
        return
    for inside, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            os.chmod(inside, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
