"""Who needs staged data: runs that have not ended, and models that are served."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Iterator, List, Set, Tuple

from . import instances, keeper, queue, runfolder
from .faults import Fault
from .states import TERMINAL

Holders = Dict[str, List[Dict[str, str]]]


def now(root: str) -> Holders:
    """Digest -> [{"kind": "run" or "service", "name", "state", "owner"}]. Raises Fault where that cannot be told."""
    found: Holders = {}
    for run, state, job in _runs(root, ended=False):
        where = "queued" if queue.ahead(root, run) is not None else state
        for digest in _inputs(job):
            _add(found, digest, "run", run, where, str(job.get("owner") or ""))
    for service, state, digest in _served(root):
        _add(found, digest, "service", service, state, "")
    return found


def before(root: str) -> Holders:
    """The same of runs that have ended: what they left may hold what they read."""
    found: Holders = {}
    for run, state, job in _runs(root, ended=True):
        for digest in _inputs(job):
            _add(found, digest, "run", run, state, str(job.get("owner") or ""))
    return found


def _add(found: Holders, digest: str, kind: str, name: str, state: str, owner: str) -> None:
    found.setdefault(digest, []).append({"kind": kind, "name": name, "state": state, "owner": owner})


def _runs(root: str, ended: bool) -> Iterator[Tuple[str, str, Dict[str, Any]]]:
    base = runfolder.runs_folder(root)
    for name in sorted(os.listdir(base)) if os.path.isdir(base) else []:
        if not runfolder.ULID.match(name):
            continue
        place = os.path.join(base, name)
        try:
            state = runfolder.settled(place)["state"]
            if (state in TERMINAL) == ended:
                yield name, state, runfolder.read_json(place, "job.json")
        except FileNotFoundError:
            continue  # somebody deletes it just now
        except (ValueError, KeyError) as error:
            if not ended:
                raise Fault("data", "which data run %s needs cannot be told" % name, "look into %s" % place) from error


def _inputs(job: Dict[str, Any]) -> List[str]:
    given = (job.get("inputs") or {}).values()
    return sorted({str(each.get("digest")) for each in given if not each.get("local")})


def _served(root: str) -> Iterator[Tuple[str, str, str]]:
    """(service, state, digest of the data that its model was trained with)."""
    base = os.path.join(root, "services")
    for service in sorted(os.listdir(base)) if os.path.isdir(base) else []:
        place = os.path.join(base, service)
        name = instances.current(place) if instances.NAME.match(service) else ""
        if not name:
            continue
        state = instances.info(place, name)["state"]
        if state not in instances.ENDED:
            package = str(keeper.read(instances.path(place, name, keeper.INSTANCE)).get("package") or "")
            for digest in sorted(_lineage(package)):
                yield service, state, digest


def packages(root: str) -> Iterator[Tuple[str, Set[str]]]:
    """(NAME/VERSION, digests of the data that its model was trained with)."""
    base = os.path.join(root, "packages")
    for folder, _, names in os.walk(base):
        if "package.json" in names:
            yield os.path.relpath(folder, base), _lineage(folder)


def _lineage(package: str) -> Set[str]:
    try:
        with open(os.path.join(package, "package.json"), encoding="utf-8") as file:
            return {str(digest) for digest in json.load(file)["data"].values()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return set()
