"""The last links: the first bytes, how fast they come, and whether there is room for them."""

from __future__ import annotations

import json
import os
import shutil
import time
from typing import Dict, Iterator

from . import data_manifests
from .path_found import Broken, Passed, Path, duration, size
from .stage_disk import RESERVE

FIRST_BYTES = 64 * 1024
SPEED_S = 2.0
SPEED_BYTES = 32 * 1024 * 1024
SMALL, LARGE, SHORT_S = 16 * 1024, 256 * 1024, 0.02  # a read never waits for much more than it has to
ENOUGH = 1024 * 1024  # bytes, below which a rate says more about the requests than about the way
LONG_S = 12 * 3600.0


def bytes(path: Path) -> Passed:
    first = next((blob for blob in path.blobs if blob.size), None)
    if first is None:
        return Passed("there is no blob with bytes to read", "skipped")
    wanted = min(FIRST_BYTES, first.size)
    got = len(path.client.blob(first.name, 0, wanted - 1).read(wanted + 1))
    if got > wanted:
        path.client.close()  # whatever else it sends is not read
    if got != wanted:
        if got > wanted:
            raise Broken("more came than the %d bytes that were asked for" % wanted, "is the endpoint a blob service?")
        raise Broken("%d of %d bytes came" % (got, wanted), "something on the way cuts transfers: check again")
    return Passed("the first %s of a blob were read" % size(got))


def speed(path: Path) -> Passed:
    """Reads the largest blobs, over one connection, for two seconds or 32 MB."""
    if not path.bytes:
        return Passed("there is no blob with bytes to read", "skipped")
    started = time.monotonic()
    got = 0
    for count in _read(path):
        got += count
        if time.monotonic() - started > SPEED_S:
            break
    path.client.close()  # what is left of an answer is not wanted
    took = max(time.monotonic() - started, 1e-6)
    told = "%s in %s" % (size(got), duration(took))
    if got < ENOUGH and took < SPEED_S:
        return Passed("%s: too little to tell a rate" % told)
    path.rate = got / took
    least = "" if path.listed else "more than "
    whole = path.bytes / path.rate
    told = "%.1f MB/s over one connection (%s); the container, %s%s, takes %s%s at that" % (
        path.rate / 1e6,
        told,
        least,
        size(path.bytes),
        least,
        duration(whole),
    )
    if whole > LONG_S:
        return Passed(told, "warn", "stage a part of it, or look at what slows the network between them")
    return Passed(told)


def _read(path: Path) -> Iterator[int]:
    left = SPEED_BYTES
    for blob in sorted(path.blobs, key=lambda blob: -blob.size):
        if left <= 0 or not blob.size:
            return
        response = path.client.blob(blob.name, 0, min(left, blob.size) - 1)
        chunk = SMALL
        while True:
            began = time.monotonic()
            got = len(response.read(chunk))
            if not got:
                break
            left -= got
            yield got
            if time.monotonic() - began < SHORT_S:
                chunk = min(2 * chunk, LARGE)


def disk(path: Path) -> Passed:
    """The container's size, less what is staged here already, against the free disk."""
    here = staged(path)
    done = sum(blob.size for blob in path.blobs if blob.etag and here.get(blob.name) == blob.etag)
    free = max(shutil.disk_usage(_existing(path.folder)).free - RESERVE, 0)
    left = path.bytes - done
    least = "" if path.listed else "more than "
    told = "%s free; the container has %s%s" % (size(free), least, size(path.bytes))
    told += ", of which %s are staged already" % size(done) if done else ""
    if left > free:
        raise Broken(told, "free some space on %s below %s, or stage a part of it" % (path.here, path.folder))
    return Passed(told)


def _existing(folder: str) -> str:
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def staged(path: Path) -> Dict[str, str]:
    """Blob name -> ETag of what was staged here from this container."""
    origin = path.source.origin
    sources = (
        each for manifest in data_manifests.every(path.folder, json.dumps(origin)) for each in manifest["sources"]
    )
    return {name: etag for each in sources if each["source"] == origin for name, _, etag in data_manifests.etags(each)}
