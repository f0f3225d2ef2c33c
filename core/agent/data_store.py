"""What is staged on this VM: each version with its size, its last use and who holds it; stagings that did not end.

ROOT/data/ has DIGEST/{files/, manifest.json, used, summary.json}, `.tmp-FAMILY-LISTING` (a staging), `.gone-…` (removed
and not yet deleted) and `.lock-…`. Whatever else is there is foreign: counted, and never touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from . import data_holders
from .call import Call
from .locks import free, locked
from .staging import Plan, write

DIGEST = re.compile(r"[0-9a-f]{64}\Z")
TEMPORARY = re.compile(r"\.tmp-([0-9a-f]{16})-[0-9a-f]+\Z")
MANIFEST = "manifest.json"
SUMMARY = "summary.json"  # of a manifest, which may name 100,000 files
ABOUT = "about.json"  # in a staging: {"path", "within", "since"}
GONE = re.compile(r"\.gone-([0-9a-f]{64}|tmp-[0-9a-f]{16}-[0-9a-f]+)-[0-9a-f]{8}\Z")
IN_USE = ".lock-use"  # shared while a run is made, taken alone while versions are taken out of sight
LOOK = 1000  # files between two looks whether the call was cancelled
Version = Dict[str, Any]


class Measure(NamedTuple):
    files: int
    bytes: int
    alone: int  # bytes that no other folder shares by a hard link


def list(call: Call) -> Dict[str, Any]:
    """{"items", "partial", "left", "foreign", "disk_free"}; the newest first. Sizes in bytes, times since the epoch.

    `path` of an item: as it was asked for last; `paths`: all that were. `left`: bytes that a removal did not end with.
    """
    base = folder(call.root)
    held = data_holders.now(call.root)
    items = [dict(_public(each), held=held.get(each["digest"], [])) for each in versions(call)]
    return {
        "items": sorted(items, key=lambda item: (-item["staged"], item["digest"])),
        "partial": partial(call),
        "left": measure(call, [os.path.join(base, name) for name in gone(base)]).bytes,
        "foreign": sum(_is_foreign(base, name) for name in _names(base)),
        "disk_free": shutil.disk_usage(base if os.path.isdir(base) else call.root).free,
    }


def _public(version: Version) -> Dict[str, Any]:
    return {key: value for key, value in version.items() if key != "sources"}


def folder(root: str) -> str:
    return os.path.join(root, "data")


@contextlib.contextmanager
def kept(call: Call, job: Dict[str, Any]) -> Iterator[None]:
    """While a run is made, none of its data goes: it is seen to hold them, or it finds that they have gone."""
    if all(given.get("local") for given in (job.get("inputs") or {}).values()):
        yield
        return
    os.makedirs(folder(call.root), exist_ok=True)
    with locked(call, os.path.join(folder(call.root), IN_USE), shared=True):
        yield


def versions(call: Call) -> List[Version]:
    """Every version: digest, path, paths, listing, files, bytes, alone, staged, used, broken, sources.

    `sources`: [{"source", "path", "within", "listing"}]. `broken`: its manifest cannot be read.
    """
    base = folder(call.root)
    names = [name for name in _names(base) if _is_version(base, name)]
    around = _hash([name for name in _names(base) if DIGEST.match(name) or TEMPORARY.match(name)])
    going = any(each["going"] for each in partial(call, sizes=False))  # it makes and drops hard links
    found = []
    for name in names:
        with contextlib.suppress(FileNotFoundError):  # somebody removes it just now
            found.append(_version(call, os.path.join(base, name), "" if going else around))
    return found


def _version(call: Call, place: str, around: str) -> Version:
    """`around`: of the other folders, as long as they stand still: what they share with this one stays the same."""
    key = _key(place)
    known = _read(os.path.join(place, SUMMARY)) or {}
    summed = known["summary"] if known.get("key") == key else _summed(place)
    if around and known.get("key") == key and known.get("around") == around:
        alone = known["alone"]
    else:
        found = measure(call, [os.path.join(place, "files")])
        alone = found.alone
        if summed["broken"]:
            summed = dict(summed, files=found.files, bytes=found.bytes)
        with contextlib.suppress(OSError):  # no room: the next list measures it again
            text = json.dumps({"key": key, "around": around, "alone": alone, "summary": summed})
            write(os.path.join(place, SUMMARY), text)
    return dict(summed, digest=os.path.basename(place), alone=alone, used=_used(place, summed["staged"]))


def _key(place: str) -> List[Any]:
    try:
        found = os.lstat(os.path.join(place, MANIFEST))
    except OSError:
        return [SUMMED, -1, 0]
    return [SUMMED, found.st_size, found.st_mtime_ns]


SUMMED = 1  # raised with each change of what a summary has


def _summed(place: str) -> Dict[str, Any]:
    manifest = manifest_of(place)
    try:
        files = [int(entry["size"]) for entry in manifest.get("files") or []]
        sources = [_source(each) for each in manifest.get("sources") or []]
        staged, broken = float(manifest["staged"]), False
    except (KeyError, TypeError, ValueError, AttributeError):
        files, sources, staged, broken = [], [], os.lstat(place).st_mtime, True
    return {
        "path": sources[-1]["path"] if sources else "",
        "paths": sorted({each["path"] for each in sources}),
        "listing": sources[-1]["listing"] if sources else "",
        "files": len(files),
        "bytes": sum(files),
        "staged": staged,
        "broken": broken,
        "sources": sources,
    }


def _source(each: Dict[str, Any]) -> Dict[str, str]:
    path = str(each.get("path", ""))
    return {
        "source": str(each.get("source", "")),
        "path": path,
        "within": str(each.get("within", path)),
        "listing": str(each.get("listing", "")),
    }


def manifest_of(place: str) -> Dict[str, Any]:
    """{} where it cannot be read."""
    return _read(os.path.join(place, MANIFEST)) or {}


def files_of(place: str) -> List[Dict[str, Any]]:
    """The files of its manifest: [{"path", "size", "sha256"}]; none where they cannot be told."""
    try:
        return [each for each in manifest_of(place).get("files") or () if isinstance(each, dict)]
    except TypeError:
        return []


def _read(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _used(place: str, staged: float) -> float:
    try:
        return os.lstat(os.path.join(place, "used")).st_mtime
    except OSError:
        return staged


def take(place: str) -> None:
    """Notes that the data of a version are used now. A disk that is full keeps nobody from using them."""
    path = os.path.join(place, "used")
    with contextlib.suppress(OSError), open(path, "ab"):
        os.utime(path)


# Stagings that have not ended.


def note(temporary: str, plan: Plan) -> None:
    """What a staging is about, for whoever finds it unfinished."""
    about = os.path.join(temporary, ABOUT)
    if not os.path.exists(about):
        write(about, json.dumps({"path": plan.path, "within": plan.within, "since": time.time()}))


def partial(call: Call, sizes: bool = True) -> List[Dict[str, Any]]:
    """[{"name", "path", "within", "bytes", "since", "going"}]; `path` is None where that is not known."""
    base = folder(call.root)
    found = []
    for name in _names(base):
        match = TEMPORARY.match(name)
        if match is None or not _is_folder(os.path.join(base, name)):
            continue
        place = os.path.join(base, name)
        about = _read(os.path.join(place, ABOUT)) or {}
        with free(lock_of(base, match.group(1))) as idle:
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


def family(source: Dict[str, str]) -> str:
    """As `Plan.temporary` has it: what is staged from one place is staged by one at a time."""
    text = source["source"] + "\0" + source["within"]
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def lock_of(base: str, name: str) -> str:
    return os.path.join(base, ".lock-" + name)


# Names and sizes.


def size(call: Call, base: str, items: Dict[str, Dict[str, Any]]) -> int:
    """What the disk gains when all of `items` go; they are below `base` by these names."""
    places = [os.path.join(base, name, "files" if "digest" in item else "") for name, item in items.items()]
    return measure(call, places).alone


def measure(call: Call, places: Sequence[str]) -> Measure:
    """Of all of them together; what goes when all of them go is `alone`. No link is followed."""
    files = total = alone = 0
    shared: Dict[Tuple[int, int], List[int]] = {}
    for place in places:
        for names, directory in _walk(place):
            for name in names:
                files += 1
                if files % LOOK == 0:
                    call.wait(0)
                try:
                    here = os.stat(name, dir_fd=directory, follow_symlinks=False)
                except OSError:
                    continue
                total += here.st_size
                if here.st_nlink == 1:
                    alone += here.st_size
                else:
                    shared.setdefault((here.st_dev, here.st_ino), [here.st_nlink, here.st_size, 0])[2] += 1
    alone += sum(size for links, size, seen in shared.values() if seen >= links)
    return Measure(files, total, alone)


def _walk(place: str) -> Iterator[Tuple[List[str], int]]:
    """(names of files, descriptor of their folder); nothing of a folder that is not there."""
    with contextlib.suppress(FileNotFoundError):
        for _, _, names, directory in os.fwalk(place):
            yield names, directory


def _names(base: str) -> List[str]:
    try:
        return sorted(os.listdir(base))
    except FileNotFoundError:
        return []


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _is_version(base: str, name: str) -> bool:
    return bool(DIGEST.match(name)) and _is_folder(os.path.join(base, name))


def gone(base: str) -> List[str]:
    """Names of what was taken out of sight, and is still on the disk."""
    return [name for name in _names(base) if GONE.match(name) and _is_folder(os.path.join(base, name))]


def was(hidden: str) -> str:
    """The name, before, of what was taken out of sight."""
    name = hidden[len(".gone-") : hidden.rindex("-")]
    return "." + name if name.startswith("tmp-") else name


def _is_foreign(base: str, name: str) -> bool:
    if name.startswith(".lock-"):
        return False
    known = DIGEST.match(name) or TEMPORARY.match(name) or GONE.match(name)
    return not (known and _is_folder(os.path.join(base, name)))


def _hash(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode("utf-8", "surrogateescape")).hexdigest()[:16]
