"""Takes staged data off the VM: `evict` frees space, `purge` removes records for good and leaves a receipt.

A version is first renamed out of sight, with a lock under which no run is made and no staging reuses it; then it is
deleted. So it is whole or invisible, wherever this ends; what was left is deleted by the next removal or staging.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from . import data_choice, data_folder, data_holders, data_receipts, data_sizes, data_store, folders
from .call import Call
from .locks import free, locked

EVERY_S = 0.2  # between two progress events
Item = Dict[str, Any]


class Removed(NamedTuple):
    versions: List[Item]
    partial: List[Item]
    stay: List[Item]  # {"what", "name", "path", "why", "do"}
    freed: int


def evict(
    call: Call,
    targets: Sequence[str],
    unused_for_s: Optional[float] = None,
    keep: Optional[int] = None,
    agreed: Optional[Sequence[str]] = None,
    dry: bool = False,
) -> Dict[str, Any]:
    """`agreed`: digests and names of what a person has seen would go; nothing else does. `dry`: nothing goes.

    {"versions", "partial", "stay", "bytes"}. Raises Fault.
    """
    if dry:
        return _rehearsed(call, data_choice.of_eviction(call, targets, unused_for_s, keep))
    with _alone(call):
        sweep(call)
        data_receipts.settle(call)
        done = _remove(call, data_choice.of_eviction(call, targets, unused_for_s, keep), agreed)
    return {"versions": _told(done.versions), "partial": done.partial, "stay": done.stay, "bytes": done.freed}


def purge(
    call: Call,
    targets: Sequence[str],
    by: Dict[str, str],
    agreed: Optional[Sequence[str]] = None,
    names: bool = False,
    dry: bool = False,
) -> Dict[str, Any]:
    """As `evict`, and {"receipt"} (see data_receipts), which is also appended to ROOT/receipts.jsonl.

    `targets`: none is everything; `by`: {"client", "site", "vm", "client_time"}; `names`: the receipt names the files.
    """
    if dry:
        return _rehearsed(call, data_choice.of_purge(call, targets))
    with _alone(call):
        left = sweep(call)
        data_receipts.settle(call)
        choice = data_choice.of_purge(call, targets)
        begun, contents = data_receipts.begun(call, choice, targets, by, left, names)
        done = _remove(call, choice, agreed)
        data_folder.sync(data_folder.folder(call.root))
        receipt = data_receipts.ended(call, begun, contents, done)
    found = {"versions": _told(done.versions), "partial": done.partial, "stay": done.stay, "bytes": done.freed}
    return dict(found, receipt=receipt)


def receipts(call: Call) -> Dict[str, Any]:
    return {"receipts": data_receipts.read(call.root)}


@contextlib.contextmanager
def _alone(call: Call) -> Any:
    base = data_folder.folder(call.root)
    os.makedirs(base, exist_ok=True)
    with locked(call, data_folder.lock_of(base, data_folder.REMOVAL)):
        yield


def _told(versions: List[Item]) -> List[Item]:
    return [data_store.public(each) for each in versions]


def _rehearsed(call: Call, choice: data_choice.Choice) -> Dict[str, Any]:
    base = data_folder.folder(call.root)
    held = data_holders.now(call.root)
    stay = [found for each in choice.versions + choice.partial for found in [_held(base, each, held)] if found]
    names = {each["name"] for each in stay}
    versions = [each for each in choice.versions if each["digest"] not in names]
    partial = [each for each in choice.partial if each["name"] not in names]
    freed = _size(call, base, {_name(each): each for each in versions + partial})
    return {"versions": _told(versions), "partial": partial, "stay": stay, "bytes": freed}


def _size(call: Call, base: str, items: Dict[str, Item]) -> int:
    """What the disk gains when all of `items` go; they are below `base` by these names."""
    places = [os.path.join(base, name, "files" if "digest" in item else "") for name, item in items.items()]
    return data_sizes.measure(call, places).alone


def _held(base: str, item: Item, held: data_holders.Holders) -> Optional[Item]:
    """Why it has to stay, if it does."""
    if "digest" not in item:
        return _busy(item) if item["going"] else None
    holders = held.get(item["digest"], [])
    if holders:
        first, more = holders[0], len(holders) - 1
        why = "%s %s (%s) needs it" % (first["kind"], first["name"], first["state"])
        do = "trainshed %s %s" % ("cancel" if first["kind"] == "run" else "undeploy", first["name"])
        return _stays(item, why + (", and %d more" % more if more else ""), do)
    for source in item["sources"]:
        with free(data_folder.lock_of(base, data_folder.family(source["source"], source["within"]))) as idle:
            if not idle:
                return _stays(item, "%s is being staged" % (source["path"] or "all"), "wait for it")
    return None


def _stays(item: Item, why: str, do: str, what: str = "") -> Item:
    what = what or ("version" if "digest" in item else "staging")
    return {"what": what, "name": _name(item), "path": item["path"], "why": why, "do": do}


def _busy(item: Item) -> Item:
    if "digest" in item:
        return _stays(item, "it is being staged", "wait for it")
    return _stays(item, "it is going on", "wait for it, or stop it")


def _name(item: Item) -> str:
    return str(item.get("digest") or item["name"])


def _remove(call: Call, choice: data_choice.Choice, agreed: Optional[Sequence[str]]) -> Removed:
    """Out of sight at once, one after the other, then off the disk."""
    base = data_folder.folder(call.root)
    chosen = choice.versions + choice.partial
    late = [each for each in chosen if agreed is not None and _name(each) not in agreed]
    stay = [_stays(each, "it came after you were asked", "ask again") for each in late]
    hidden: Dict[str, Item] = {}
    with locked(call, data_folder.lock_of(base, data_folder.USE)):
        held = data_holders.now(call.root)
        for each in [each for each in chosen if each not in late]:
            kept = _held(base, each, held) if "digest" in each else None
            name = "" if kept else _hide(base, each)
            if name:
                hidden[name] = each
            elif kept or os.path.lexists(os.path.join(base, _name(each))):
                stay.append(kept or _busy(each))
    freed = _size(call, base, hidden)
    for name, why in _deleted(call, base, [*hidden]).items():
        do = "remove %s on the VM" % os.path.join(base, name)
        stay.append(_stays(hidden.pop(name), "it is out of sight, but is still on the disk: " + why, do, "rest"))
    gone = [*hidden.values()]
    whole = [each for each in gone if "digest" in each]
    return Removed(whole, [each for each in gone if "digest" not in each], stay, freed)


def _hide(base: str, item: Item) -> str:
    """Its name then; "" where it is staged, or has gone, just now."""
    families = {data_folder.family(source["source"], source["within"]) for source in item.get("sources", ())}
    hidden = data_folder.hidden(_name(item))
    with contextlib.ExitStack() as locks:
        for family in families if "digest" in item else {item["name"].split("-")[1]}:
            if not locks.enter_context(free(data_folder.lock_of(base, family))):
                return ""
        try:
            os.rename(os.path.join(base, _name(item)), os.path.join(base, hidden))
        except FileNotFoundError:
            return ""
    return hidden


def _deleted(call: Call, base: str, names: Sequence[str]) -> Dict[str, str]:
    """What stayed on the disk, and why. Says progress."""
    bad: Dict[str, str] = {}
    said = 0.0
    for done, name in enumerate(names):
        if time.monotonic() - said >= EVERY_S:
            said = time.monotonic()
            call.event(event="progress", done=done, total=len(names), unit="items")
        why = _delete(call, os.path.join(base, name))
        if why:
            bad[name] = why
    if names:
        call.event(event="progress", done=len(names), total=len(names), unit="items")
    return bad


def _delete(call: Call, place: str) -> str:
    """ "" where it has gone. Links are removed, not followed; folders are opened first, as they are read-only."""
    errors: List[str] = []

    def failed(_function: Any, _path: str, info: Any) -> None:
        if not isinstance(info[1], FileNotFoundError):
            errors.append(getattr(info[1], "strerror", "") or type(info[1]).__name__)

    folders.open_up(place, turn=lambda: call.wait(0))
    shutil.rmtree(place, onerror=failed)
    if not os.path.lexists(place):
        return ""
    return errors[0] if errors else "something was put into it meanwhile"


def sweep(call: Call) -> List[str]:
    """Deletes what an earlier removal had to leave. Their names; what cannot be deleted stays."""
    base = data_folder.folder(call.root)
    left = data_folder.gone(base)
    bad = _deleted(call, base, left)
    return [name for name in left if name not in bad]


def tidy(call: Call) -> None:
    """The same before a staging needs the room; not while somebody removes."""
    base = data_folder.folder(call.root)
    if data_folder.gone(base):
        with free(data_folder.lock_of(base, data_folder.REMOVAL)) as idle:
            if idle:
                sweep(call)
