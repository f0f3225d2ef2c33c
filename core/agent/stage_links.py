"""Blobs that a staged version has already: linked, not fetched. A blob is known by origin, name, ETag and size."""

from __future__ import annotations

import json
import os
from typing import Dict, NamedTuple

from . import data_manifests
from .blob_list import Blob
from .stage_plan import Plan


class Staged(NamedTuple):
    etag: str
    size: int
    sha256: str
    place: str  # of the file


def known(base: str, plan: Plan) -> Dict[str, Staged]:
    """Name of a blob of the plan -> a file with its content."""
    wanted = {blob.name for blob in plan.blobs.values()}
    found: Dict[str, Staged] = {}
    for manifest in data_manifests.every(base, json.dumps(plan.origin)):
        files = {entry["path"]: entry for entry in manifest["files"]}
        folder = os.path.join(base, manifest["digest"], "files")
        for source in manifest["sources"]:
            for name, path, etag in data_manifests.etags(source) if source["source"] == plan.origin else ():
                entry = files.get(path)
                if entry is not None and etag and name in wanted:
                    found[name] = Staged(etag, entry["size"], entry["sha256"], folder + "/" + path)
    return found


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
