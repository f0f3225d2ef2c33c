"""Which staged versions and unfinished stagings a person means: beginnings of digests, paths, or by age and number."""

from __future__ import annotations

import os
import re
import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from . import data_folder, data_manifests, data_store
from .call import Call
from .faults import Fault

BEGINNING = re.compile(r"[0-9a-f]{4,64}\Z")
Item = Dict[str, Any]


class Choice(NamedTuple):
    versions: List[Item]
    partial: List[Item]


def of_eviction(
    call: Call, targets: Sequence[str], unused_for_s: Optional[float] = None, keep: Optional[int] = None
) -> Choice:
    """What `targets` name (all where there are none) and what neither was used lately nor is among the newest of its
    path. Raises Fault for a target that names nothing.
    """
    versions, partial = data_store.versions(call), data_store.partial(call)
    found = Choice(versions, partial) if not targets else _named(call, versions, partial, targets, wider=False)
    before = None if unused_for_s is None else time.time() - unused_for_s
    newest = set() if keep is None else _newest(versions, keep)
    chosen = [each for each in found.versions if each["digest"] not in newest]
    if before is not None:
        chosen = [each for each in chosen if each["used"] <= before]
        found = found._replace(partial=[each for each in found.partial if each["since"] <= before])
    if keep is not None and not targets and before is None:
        found = found._replace(partial=[])  # they are no versions to keep or not
    return Choice(chosen, found.partial)


def of_purge(call: Call, targets: Sequence[str]) -> Choice:
    """Everything where there are no targets. A version of more than a path that was asked for has its records too.

    So may what cannot be told: a version whose manifest is broken, and a staging that nobody knows the path of.
    """
    versions, partial = data_store.versions(call), data_store.partial(call)
    return Choice(versions, partial) if not targets else _named(call, versions, partial, targets, wider=True)


def _named(call: Call, versions: List[Item], partial: List[Item], targets: Sequence[str], wider: bool) -> Choice:
    chosen: Dict[str, Item] = {}
    unfinished: Dict[str, Item] = {}
    for target in targets:
        hits = [each for each in versions if each["digest"] == target]
        begun = [each for each in partial if each["name"] == target]
        if not hits and not begun:
            hits = [each for each in versions if _has(call, each, target, wider)]
            begun = [each for each in partial if _about(each, target, wider)]
            if not hits and not begun:
                hits = _by_digest(versions, target)
            elif wider:  # they may have the records
                hits = hits + [each for each in versions if each["broken"]]
                begun = begun + [each for each in partial if each["path"] is None]
        chosen.update((each["digest"], each) for each in hits)
        unfinished.update((each["name"], each) for each in begun)
    return Choice([*chosen.values()], [*unfinished.values()])


def _by_digest(versions: List[Item], target: str) -> List[Item]:
    beginning = target.lower()
    hits = [each for each in versions if BEGINNING.match(beginning) and each["digest"].startswith(beginning)]
    if not hits:
        raise Fault("usage", "nothing is staged of %r" % target, "trainshed data list: a path, or a digest's beginning")
    if len(hits) > 1:
        raise Fault("usage", "%d digests begin with %s" % (len(hits), target), "give more of it")
    return hits


def _has(call: Call, version: Item, target: str, wider: bool) -> bool:
    names = {name for source in version["sources"] for name in (source["path"], source["within"])}
    if any(_below(name, target) for name in names):
        return True
    around = [name for name in names if wider and _below(target, name)]
    return bool(around) and _holds(call, version, target, around)


def _below(name: str, target: str) -> bool:
    return name == target or (target.endswith("/") and name.startswith(target)) or target == ""


def _holds(call: Call, version: Item, target: str, around: List[str]) -> bool:
    """Whether files of it are the target's, of a version of one of the folders `around` it."""
    place = os.path.join(data_folder.folder(call.root), version["digest"])
    return any(
        _below(name + str(each.get("path")), target) for name in around for each in data_manifests.files_of(place)
    )


def _about(partial: Item, target: str, wider: bool) -> bool:
    names = [name for name in (partial["path"], partial["within"]) if isinstance(name, str)]
    return any(_below(name, target) or (wider and _below(target, name)) for name in names)


def _newest(versions: List[Item], keep: int) -> "set[str]":
    by_place: Dict[Tuple[str, str], List[Item]] = {}
    for each in sorted(versions, key=lambda each: -float(each["staged"])):
        last = each["sources"][-1] if each["sources"] else {"source": "", "within": ""}
        by_place.setdefault((last["source"], last["within"]), []).append(each)
    return {each["digest"] for group in by_place.values() for each in group[:keep]}
