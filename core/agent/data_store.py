"""What is staged on this VM: each version with its size, its last use and who holds it; stagings that did not end."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from typing import Any, Dict, Iterator, List, Sequence

from . import data_folder, data_holders, data_manifests
from .call import Call
from .data_sizes import measure
from .locks import free, locked
from .stage_plan import Plan

SUMMARY = "summary.json"  # of a manifest, which may name 100,000 files
SUMMED = 1  # raised with each change of what a summary has
ABOUT = "about.json"  # in a staging: {"path", "within", "since"}
USED, STAGED = "used", "staged"  # files whose time is that of the last use and of the last staging
Version = Dict[str, Any]


def list(call: Call) -> Dict[str, Any]:
    """{"items", "partial", "left", "foreign", "disk_free"}; the newest first. Sizes in bytes, times since the epoch.

    `path` of an item: as it was asked for last; `paths`: all that were. `left`: bytes that a removal did not end with.
    """
    base = data_folder.folder(call.root)
    held = data_holders.now(call.root)
    items = [dict(public(each), held=held.get(each["digest"], [])) for each in versions(call)]
    return {
        "items": sorted(items, key=lambda item: (-item["staged"], item["digest"])),
        "partial": partial(call),
        "left": measure(call, [os.path.join(base, name) for name in data_folder.gone(base)]).bytes,
        "foreign": sum(data_folder.is_foreign(base, name) for name in data_folder.names(base)),
        "disk_free": shutil.disk_usage(base if os.path.isdir(base) else call.root).free,
    }


def public(version: Version) -> Dict[str, Any]:
    """As it is answered: `places`, where each of its sources was, in place of them."""
    places = [{"source": each["source"], "within": each["within"]} for each in version["sources"]]
    return dict({key: value for key, value in version.items() if key != "sources"}, places=places)


@contextlib.contextmanager
def kept(call: Call, job: Dict[str, Any]) -> Iterator[None]:
    """While a run is made, none of its data goes: it is seen to hold them, or it finds that they have gone."""
    if all(given.get("local") for given in (job.get("inputs") or {}).values()):
        yield
        return
    base = data_folder.folder(call.root)
    os.makedirs(base, exist_ok=True)
    with locked(call, data_folder.lock_of(base, data_folder.USE), shared=True):
        yield


def versions(call: Call) -> List[Version]:
    """Every version: digest, path, paths, listing, files, bytes, alone, staged, used, broken, sources.

    `sources`: [{"source", "path", "within", "listing"}]. `staged`: the last time. `broken`: what it has cannot be told.
    """
    base = data_folder.folder(call.root)
    there = data_folder.names(base)
    names = [name for name in there if data_folder.is_version(base, name)]
    around = _hash([name for name in there if data_folder.DIGEST.match(name) or data_folder.TEMPORARY.match(name)])
    going = any(each["going"] for each in partial(call, sizes=False))  # it makes and drops hard links
    found = []
    for name in names:
        with contextlib.suppress(FileNotFoundError):  # somebody removes it just now
            found.append(_version(call, os.path.join(base, name), "" if going else around))
    return found


def _version(call: Call, place: str, around: str) -> Version:
    """`around`: of the other folders, as long as they stand still: what they share with this one stays the same."""
    key = _key(place)
    known = data_manifests.read_json(os.path.join(place, SUMMARY)) or {}
    summed = known["summary"] if known.get("key") == key else _summed(place)
    if around and known.get("key") == key and known.get("around") == around:
        alone = known["alone"]
    else:
        found = measure(call, [os.path.join(place, "files")])
        alone = found.alone
        if summed["broken"]:
            summed = dict(summed, files=found.files, bytes=found.bytes)
        with contextlib.suppress(OSError):  # no room: the next list measures it again
            told = {"key": key, "around": around, "alone": alone, "summary": summed}
            data_manifests.write_json(os.path.join(place, SUMMARY), told)
    staged = _marked(place, STAGED, summed["staged"])
    used = _marked(place, USED, staged)
    return dict(summed, digest=os.path.basename(place), alone=alone, staged=staged, used=used)


def _key(place: str) -> List[Any]:
    try:
        found = os.lstat(os.path.join(place, data_manifests.MANIFEST))
    except OSError:
        return [SUMMED, -1, 0]
    return [SUMMED, found.st_size, found.st_mtime_ns]


def _summed(place: str) -> Dict[str, Any]:
    manifest = data_manifests.read(place)
    found = manifest or {"files": [], "sources": [], "staged": os.lstat(place).st_mtime}
    sources = [{name: each[name] for name in ("source", "path", "within", "listing")} for each in found["sources"]]
    return {
        "path": sources[-1]["path"] if sources else "",
        "paths": sorted({each["path"] for each in sources}),
        "listing": sources[-1]["listing"] if sources else "",
        "files": len(found["files"]),
        "bytes": sum(each["size"] for each in found["files"]),
        "staged": float(found["staged"]),
        "broken": manifest is None,
        "sources": sources,
    }


def _marked(place: str, name: str, otherwise: float) -> float:
    try:
        return os.lstat(os.path.join(place, name)).st_mtime
    except OSError:
        return otherwise


def mark(place: str, name: str) -> None:
    """Notes that a version is USED or STAGED now. A disk that is full keeps nobody from using it."""
    path = os.path.join(place, name)
    with contextlib.suppress(OSError), open(path, "ab"):
        os.utime(path)


# Stagings that have not ended.


def note(temporary: str, plan: Plan) -> None:
    """What a staging is about, for whoever finds it unfinished."""
    about = os.path.join(temporary, ABOUT)
    if not os.path.exists(about):
        data_manifests.write_json(about, {"path": plan.path, "within": plan.within, "since": time.time()})


def partial(call: Call, sizes: bool = True) -> List[Dict[str, Any]]:
    """[{"name", "path", "within", "bytes", "since", "going"}]; `path` is None where that is not known."""
    base = data_folder.folder(call.root)
    found = []
    for name in data_folder.names(base):
        match = data_folder.TEMPORARY.match(name)
        if match is None or not data_folder.is_folder(os.path.join(base, name)):
            continue
        place = os.path.join(base, name)
        about = data_manifests.read_json(os.path.join(place, ABOUT)) or {}
        with free(data_folder.lock_of(base, match.group(1))) as idle:
            going = not idle
        since = about.get("since")
        found.append(
            {
                "name": name,
                "path": about.get("path"),
                "within": about.get("within"),
                "bytes": measure(call, [place]).bytes if sizes else 0,
                "since": since if isinstance(since, (int, float)) else _modified(place),
                "going": going,
            }
        )
    return found


def _modified(place: str) -> float:
    try:
        return os.lstat(place).st_mtime
    except OSError:
        return time.time()


def _hash(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode("utf-8", "surrogateescape")).hexdigest()[:16]
