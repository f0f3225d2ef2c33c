"""What a purge leaves that may have records: receipts name it, each with what to do about it."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Sequence, Set

from . import data_folder, data_holders, data_manifests, data_store
from .call import Call


def of(
    call: Call, versions: Sequence[Dict[str, Any]], contents: Dict[str, Set[str]], told: Set[str], everything: bool
) -> List[Dict[str, str]]:
    """`versions`: that have gone, `contents`: digest -> sha256 of its files, `told`: names that are known to stay.

    `everything`: that is what was asked for.
    """
    gone = {each["digest"] for each in versions}
    found = rests(call, told) + elsewhere(call, gone) + _same_files(call, gone, contents)
    found += _stagings(call, versions, told) + (_log(call) if gone else [])
    return found + (_sent(call) if everything else [])


def elsewhere(call: Call, gone: Set[str]) -> List[Dict[str, str]]:
    """Runs that read them and models made from them: nothing of a run is purged."""
    found: Dict[str, Dict[str, str]] = {}
    before = data_holders.before(call.root)
    why = "it read the data: its log, outputs, checkpoints and models may have some of them"
    for digest in sorted(gone):
        for each in before.get(digest, []):
            do = "trainshed runs delete %s" % each["name"]
            found[each["name"]] = item("run", each["name"], "", why, do)
    for name, digests in data_holders.packages(call.root):
        if gone & digests:
            do = "remove %s/packages/%s on the VM" % (call.root, name)
            found[name] = item("package", name, "", "its model was trained with the data", do)
    return [*found.values()]


def _same_files(call: Call, gone: Set[str], contents: Dict[str, Set[str]]) -> List[Dict[str, str]]:
    """Versions that stay, and have some of the same files."""
    base = data_folder.folder(call.root)
    sought: Set[str] = set().union(*(contents[digest] for digest in gone))
    found = []
    for each in data_store.versions(call) if sought else []:
        files = data_manifests.files_of(os.path.join(base, each["digest"]))
        count = sum(1 for file in files if file.get("sha256") in sought)
        if count:
            why, do = "it has %d of the same files" % count, "trainshed data purge %s" % each["digest"][:12]
            found.append(item("version", each["digest"], "", why, do))
    return found


def _stagings(call: Call, gone: Sequence[Dict[str, Any]], told: Set[str]) -> List[Dict[str, str]]:
    """Those that have not ended, of a place that the versions are of too: they hold what is the same by hard links."""
    sources = [source for version in gone for source in version["sources"]]
    families = {data_folder.family(source["source"], source["within"]) for source in sources}
    found = []
    for each in data_store.partial(call, sizes=False) if gone else []:
        within = each["within"]
        around = not isinstance(within, str) or any(
            source["within"].startswith(within) or within.startswith(source["within"]) for source in sources
        )
        if each["name"] not in told and (around or each["name"].split("-")[1] in families):
            why = "a staging that has not ended: it may have some of the same files"
            found.append(item("staging", each["name"], "", why, "trainshed data purge %s" % each["name"]))
    return found


def rests(call: Call, told: Set[str]) -> List[Dict[str, str]]:
    """What is out of sight and still on the disk, whichever removal could not delete it."""
    base = data_folder.folder(call.root)
    why = "it is out of sight, but is still on the disk"
    return [
        item("rest", data_folder.was(name), "", why, "remove %s on the VM" % os.path.join(base, name))
        for name in data_folder.gone(base)
        if data_folder.was(name) not in told
    ]


def _log(call: Call) -> List[Dict[str, str]]:
    """What the agent wrote of failures of its own has the words of the system, names of files too."""
    path = os.path.join(call.root, "agent.log")
    if not os.path.exists(path):
        return []
    why = "the agent's notes of its own failures may have names of files"
    return [item("log", "agent.log", "", why, "look into %s on the VM" % path)]


def _sent(call: Call) -> List[Dict[str, str]]:
    """Inputs of jobs that are paths on somebody's computer come with the code."""
    place = os.path.join(call.root, "snapshots")
    if not os.path.isdir(place) or not os.listdir(place):
        return []
    why = "code and inputs that launches sent from a computer are not staged, and may have records too"
    return [item("sent", "snapshots", "", why, "remove what runs need no more below %s on the VM" % place)]


def item(what: str, name: str, path: str, why: str, do: str) -> Dict[str, str]:
    return {"what": what, "name": name, "path": path, "why": why, "do": do}
