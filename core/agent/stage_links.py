"""Blobs that a staged version has already: linked, not fetched. A blob is known by origin, name, ETag and size."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterable, NamedTuple

from .blob_list import Blob
from .staging import Plan


class Staged(NamedTuple):
    etag: str
    size: int
    sha256: str
    place: str  # of the file


def known(base: str, manifests: Iterable[Dict[str, Any]], plan: Plan) -> Dict[str, Staged]:
    """Name of a blob of the plan -> a file with its content."""
    wanted = {blob.name for blob in plan.blobs.values()}
    found: Dict[str, Staged] = {}
    for manifest in manifests:
        files = {entry["path"]: entry for entry in manifest["files"]}
        for source in manifest["sources"]:
            if source["source"] == plan.origin_text:
                _add(found, os.path.join(base, manifest["digest"], "files"), files, source, wanted)
    return found


def _add(found: Dict[str, Staged], folder: str, files: Dict[str, Any], source: Dict[str, Any], wanted: Any) -> None:
    within = source["within"]
    single = bool(source["path"]) and not source["path"].endswith("/")
    start = within[: within.rfind("/") + 1] if single else within
    for path, etag in source["etags"].items():
        entry = files.get(path)
        if entry is not None and etag and start + path in wanted:
            found[start + path] = Staged(etag, entry["size"], entry["sha256"], folder + "/" + path)


def link(staged: Dict[str, Staged], blob: Blob, place: str) -> str:
    """The sha256 of the file that is at `place` now; "" where none can be linked there."""
    known = staged.get(blob.name)
    if known is None or (known.etag, known.size) != (blob.etag, blob.size):
        return ""
    try:
        if os.stat(known.place).st_size != blob.size:
            return ""
        os.link(known.place, place)
    except OSError:
        return ""  # evicted meanwhile, or it has as many names as the file system allows
    return known.sha256
