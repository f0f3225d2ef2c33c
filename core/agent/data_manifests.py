"""The manifests of staged versions: which files each has, and which blobs of which container they were.

DIGEST/manifest.json: {"digest", "files": [{"path", "size", "sha256"}], "sources": [{"source", "path", "within",
"listing", "etags": {path: ETag}}], "staged"}. A source is what was staged: `path` as asked for, `within` the same with
the site's prefix, `listing` the digest of what was listed.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Iterator, List, Optional, Tuple

from . import data_folder

MANIFEST = "manifest.json"
KEPT = 8  # listings of one place
Manifest = Dict[str, Any]


def read(place: str, text: str = "") -> Optional[Manifest]:
    """None for one that is broken, or that has not `text` in it: one of 100,000 files is not parsed without need."""
    found = read_json(os.path.join(place, MANIFEST), text)
    return found if found is not None and sound(found) else None


def sound(manifest: Manifest) -> bool:
    """Whether its files and sources can be told."""
    try:
        float(manifest["staged"])
        files = all(
            isinstance(each["size"], int) and isinstance(each["path"], str) and isinstance(each["sha256"], str)
            for each in manifest["files"]
        )
        return files and isinstance(manifest["digest"], str) and all(map(_is_source, manifest["sources"]))
    except (KeyError, TypeError, ValueError):
        return False


def _is_source(each: Dict[str, Any]) -> bool:
    texts = all(isinstance(each[name], str) for name in ("source", "path", "within", "listing"))
    return texts and isinstance(each["etags"], dict)


def every(base: str, text: str = "") -> Iterator[Manifest]:
    """Those with `text` in them; one whose folder has another name is no version."""
    for name in data_folder.names(base):
        manifest = read(os.path.join(base, name), text) if data_folder.is_version(base, name) else None
        if manifest is not None and manifest["digest"] == name:
            yield manifest


def files_of(place: str) -> List[Dict[str, Any]]:
    """As far as they can be told, of a broken one too."""
    try:
        found = read_json(os.path.join(place, MANIFEST)) or {}
        return [each for each in found.get("files") or () if isinstance(each, dict)]
    except TypeError:
        return []


def etags(source: Dict[str, Any]) -> Iterator[Tuple[str, str, str]]:
    """(name of the blob, its path in the version, its ETag)."""
    start = beginning(source["within"])
    for path, etag in source["etags"].items():
        yield start + path, path, etag


def beginning(within: str) -> str:
    """What paths lack of the names of blobs: a folder, or of one blob the folder that it is in."""
    return within[: within.rfind("/") + 1]


def add_source(manifest: Manifest, source: Dict[str, Any]) -> None:
    """As the last one. Every place that has it stays, as a purge goes by them; of each its last listings, and the
    last one's ETags: those before cannot come again.
    """
    place = source["source"], source["within"]
    before = [each for each in manifest["sources"] if each["listing"] != source["listing"]]
    others = [each for each in before if (each["source"], each["within"]) != place]
    same = [dict(each, etags={}) for each in before if (each["source"], each["within"]) == place]
    manifest["sources"] = [*others, *same[1 - KEPT :], source]


def write(place: str, manifest: Manifest) -> None:
    write_json(os.path.join(place, MANIFEST), manifest)


def read_json(path: str, text: str = "") -> Optional[Dict[str, Any]]:
    """None for what is no object that can be read, or has not `text` in it."""
    try:
        with open(path, "rb") as file:
            raw = file.read()
        found = json.loads(raw.decode("utf-8")) if text.encode("utf-8") in raw else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write_json(path: str, told: Dict[str, Any]) -> None:
    """All of it or nothing."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(json.dumps(told))
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".new", path)
