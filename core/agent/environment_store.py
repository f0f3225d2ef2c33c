"""The environments that are built on this VM: what each is, who needs it, and removing those that nobody does."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Dict, Iterator, List, Tuple

from . import environment_files, folders, images, runfolder, snapshots
from .call import Call
from .docker_api import Docker, NotThere, Refusal, Unanswered
from .faults import Fault
from .locks import locked
from .states import TERMINAL

GONE = ".pruned-"
WORDS = 40  # characters of what an environment is


def list(call: Call) -> Dict[str, Any]:
    """{"environments": [{"hash", "kind", "what", "bytes", "built", "used", "runs", "needed"}]}, the latest used first.

    `kind`: venv, conda or image; `used`: when it was built or the last run that has it was made; `needed`: by a run
    that has not ended, or a service.
    """
    used = _uses(call.root)
    found = [_info(call, digest, *used.get(digest, (0.0, 0, False))) for digest in _built(call.root)]
    return {"environments": sorted(found, key=lambda each: -each["used"])}


def prune(call: Call, older_s: float, wanted: List[str]) -> Dict[str, Any]:
    """Removes those that nobody needs and nobody has used for `older_s` seconds; or of `wanted` (hashes) each that
    nobody needs. {"removed": [hash], "bytes"}. Raises Fault for one of `wanted` that is needed.
    """
    removed, freed = [], 0
    for info in list(call)["environments"]:
        if wanted and info["hash"] not in wanted:
            continue
        if wanted and info["needed"]:
            raise Fault("environment", "environment %s is in use" % info["hash"][:12], "by a run or a service")
        old = bool(wanted) or time.time() - info["used"] >= older_s
        if old and not info["needed"] and _removed(call, info["hash"]):
            removed.append(info["hash"])
            freed += info["bytes"]
    _sweep(call)
    images.sweep(Docker(), call.root)
    snapshots.sweep_wheels(call.root)
    return {"removed": removed, "bytes": freed}


def _base(root: str) -> str:
    return os.path.join(root, "environments")


def _built(root: str) -> Iterator[str]:
    base = _base(root)
    for name in sorted(os.listdir(base)) if os.path.isdir(base) else []:
        if environment_files.HASH.match(name) and os.path.exists(os.path.join(base, name, environment_files.RECORD)):
            yield name


def _info(call: Call, digest: str, last: float, runs: int, needed: bool) -> Dict[str, Any]:
    place = os.path.join(_base(call.root), digest)
    found = environment_files.record(call.root, digest)
    built = os.stat(os.path.join(place, environment_files.RECORD)).st_mtime
    image = found.get("image")
    return {
        "hash": digest,
        "kind": "image" if image else "conda" if "conda" in found else "venv",
        "what": _what(found),
        "bytes": _image_bytes(image) if image else _bytes(call, place),
        "built": built,
        "used": max(built, last),
        "runs": runs,
        "needed": needed,
    }


def _what(found: Dict[str, Any]) -> str:
    """In a few words."""
    if "image" in found:
        return str(found.get("name") or found["image"][:19])
    if "conda" in found:
        names = ", ".join(found["conda"]["dependencies"])
        return names if len(names) <= WORDS else names[: WORDS - 1] + "…"
    return "Python %s%s" % (found["python"], ", packages that a client sent" if found.get("wheels") else "")


def _uses(root: str) -> Dict[str, Tuple[float, int, bool]]:
    """hash -> (when the last run with it was made, how many there are, whether one of them needs it)."""
    found: Dict[str, Tuple[float, int, bool]] = {}
    base = runfolder.runs_folder(root)
    for name in os.listdir(base) if os.path.isdir(base) else []:
        if runfolder.ULID.match(name):
            job = runfolder.read_json(os.path.join(base, name), "job.json")
            going = runfolder.settled(os.path.join(base, name))["state"] not in TERMINAL
            _add(found, job.get("environment"), float(job.get("created") or 0.0), 1, going)
    for digest in _served(root):
        _add(found, digest, 0.0, 0, True)
    return found


def _add(found: Dict[str, Tuple[float, int, bool]], digest: Any, when: float, runs: int, needed: bool) -> None:
    if digest:
        last, count, before = found.get(digest, (0.0, 0, False))
        found[digest] = max(last, when), count + runs, before or needed


def _served(root: str) -> Iterator[str]:
    """Of packages, which may be served again at any time, and so of services."""
    base = os.path.join(root, "packages")
    for folder, _, names in os.walk(base):
        if "package.json" in names:
            with open(os.path.join(folder, "package.json"), encoding="utf-8") as file:
                yield str(json.load(file).get("environment") or "")


def _bytes(call: Call, place: str) -> int:
    total = 0
    for base, _, names in os.walk(place):
        call.wait(0)
        for name in names:
            try:
                total += os.lstat(os.path.join(base, name)).st_blocks * 512
            except OSError:
                continue
    return total


def _image_bytes(image: str) -> int:
    """0 where Docker does not tell now."""
    try:
        return int(Docker().call("GET", "/images/%s/json" % image)["Size"])
    except (NotThere, Unanswered, Refusal):
        return 0


def _removed(call: Call, digest: str) -> bool:
    """False where a build has it at the moment, or a run that began meanwhile."""
    base = _base(call.root)
    with locked(call, os.path.join(base, ".lock-" + digest)):
        if _uses(call.root).get(digest, (0.0, 0, False))[2] or not os.path.isdir(os.path.join(base, digest)):
            return False
        image = environment_files.record(call.root, digest).get("image")
        os.rename(os.path.join(base, digest), os.path.join(base, GONE + digest))
    if image:
        _remove_image(digest, str(image))
    return True


def _remove_image(digest: str, image: str) -> None:
    """One that we built; one that was there before, or was pulled, may be somebody else's."""
    docker = Docker()
    try:
        labels = docker.call("GET", "/images/%s/json" % image)["Config"].get("Labels") or {}
        if labels.get(images.LABEL) == digest:
            docker.call("DELETE", "/images/%s" % image)
    except (NotThere, Unanswered, Refusal):
        pass  # it stays, and costs room: `docker image prune` knows it


def _sweep(call: Call) -> None:
    """What was renamed, also by an earlier call that was cut short."""
    base = _base(call.root)
    for name in os.listdir(base) if os.path.isdir(base) else []:
        if name.startswith(GONE):
            folders.remove(os.path.join(base, name))
