"""Receipts of purges: what was removed for good, when, by whom, and what stayed. One line each in ROOT/receipts.jsonl.

A receipt is written twice: when it begins (`ended` is "" and it has no `sha256`), and when it has ended. One whose
purge was cut short is ended by the next removal. Names of files can be personal data: without `names` a receipt has
digests, counts and the folders that were asked for. `sha256` is over the rest as JSON with sorted keys and no spaces.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pwd
import socket
import time
from typing import Any, Dict, List, Sequence, Set, Tuple

from . import data_choice, data_folder, data_holders, data_manifests, data_store
from .call import Call
from .faults import Fault

FILE = "receipts.jsonl"
SCHEMA = 1
MOST = 200  # receipts that are answered, the latest
LONGEST = 8 << 20  # bytes of one, which has to travel
HOW = (
    "The files were unlinked. Blocks of the disk are not overwritten; snapshots and backups of the disk, if there are"
    " any, and the container itself are not touched."
)
Receipt = Dict[str, Any]
Contents = Dict[str, Set[str]]  # digest -> sha256 of its files


def begun(
    call: Call,
    choice: data_choice.Choice,
    targets: Sequence[str],
    by: Dict[str, str],
    left: Sequence[str],
    names: bool,
) -> "Tuple[Receipt, Contents]":
    """Written before anything goes; with what it is about. Raises Fault."""
    base = data_folder.folder(call.root)
    versions, contents = [], {}
    for each in choice.versions:
        files = data_manifests.files_of(os.path.join(base, each["digest"]))
        versions.append(_version(each, files, names))
        contents[each["digest"]] = {str(file.get("sha256")) for file in files if file.get("size")}
        call.wait(0)
    receipt = {
        "schema": SCHEMA,
        "receipt": "purge-%s-%s" % (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), os.urandom(4).hex()),
        "site": str(by.get("site", "")),
        "vm": str(by.get("vm", "")),
        "host": socket.gethostname(),
        "root": call.root,
        "by": str(by.get("client", "")),
        "account": account(),
        "client_time": str(by.get("client_time", "")),
        "began": _moment(),
        "ended": "",
        "asked": [_path(target, names) for target in targets] or ["everything"],
        "names": names,
        "versions": versions,
        "partial": [_partial(each, names) for each in choice.partial],
        "left_before": [*left],
        "freed_bytes": 0,
        "remained": [],
        "how": HOW,
    }
    if len(json.dumps(receipt)) > LONGEST:
        raise Fault("usage", "the names of so many files make no receipt", "purge without --names, or fewer paths")
    _append(call.root, receipt)
    return receipt, contents


def ended(call: Call, receipt: Receipt, contents: Contents, done: Any) -> Receipt:
    """The receipt of what has gone: `done` is a data_removal.Removed."""
    gone = {each["digest"] for each in done.versions}
    stay = [dict(each, path=_path(each["path"], receipt["names"])) for each in done.stay]
    partial = {each["name"] for each in done.partial}
    whole = dict(
        receipt,
        versions=[each for each in receipt["versions"] if each["digest"] in gone],
        partial=[each for each in receipt["partial"] if each["name"] in partial],
        freed_bytes=done.freed,
        remained=stay + _elsewhere(call, gone) + _same_files(call, gone, contents),
        ended=_moment(),
    )
    sealed = seal(whole)
    _append(call.root, sealed)
    return sealed


def settle(call: Call) -> None:
    """Ends the receipts of purges that were cut short: what is not there any more has gone, and was deleted by now."""
    base = data_folder.folder(call.root)
    for receipt in read(call.root):
        if receipt.get("ended"):
            continue
        here = {each["digest"] for each in receipt["versions"] if os.path.lexists(os.path.join(base, each["digest"]))}
        begun = {each["name"] for each in receipt["partial"] if os.path.lexists(os.path.join(base, each["name"]))}
        why = "the purge was cut short, or it was staged again"
        remained = [_remains("version", name, "", why, "purge again") for name in sorted(here)]
        remained += [_remains("staging", name, "", why, "purge again") for name in sorted(begun)]
        versions = [each for each in receipt["versions"] if each["digest"] not in here]
        partial = [each for each in receipt["partial"] if each["name"] not in begun]
        remained += _elsewhere(call, {each["digest"] for each in versions})
        more = {"versions": versions, "partial": partial, "remained": remained, "freed_bytes": None}
        _append(call.root, seal(dict(receipt, **more, ended=_moment())))


def seal(receipt: Receipt) -> Receipt:
    bare = {key: value for key, value in receipt.items() if key != "sha256"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"))
    return dict(bare, sha256=hashlib.sha256(text.encode("utf-8")).hexdigest())


def read(root: str) -> List[Receipt]:
    """The latest, oldest first; one that has ended once. Lines that are none are passed over."""
    found: Dict[str, Receipt] = {}
    try:
        with open(os.path.join(root, FILE), encoding="utf-8", errors="replace") as file:
            for line in file:
                receipt = _read(line)
                if receipt is not None:
                    found[receipt["receipt"]] = receipt
    except OSError:
        return []
    return [*found.values()][-MOST:]


def _read(line: str) -> "Receipt | None":
    try:
        receipt = json.loads(line)
        parts = [*receipt["versions"], *receipt["partial"]]
        good = isinstance(receipt["receipt"], str) and all(isinstance(each, dict) for each in parts)
        return receipt if good and "ended" in receipt else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def account() -> str:
    uid = os.getuid()
    try:
        return "%s (uid %d)" % (pwd.getpwuid(uid).pw_name, uid)
    except KeyError:
        return "uid %d" % uid


def _version(version: Dict[str, Any], files: Sequence[Dict[str, Any]], names: bool) -> Dict[str, Any]:
    found = {
        "digest": version["digest"],
        "listings": sorted({source["listing"] for source in version["sources"]}),
        "paths": sorted({_path(path, names) for path in version["paths"]}),
        "files": version["files"],
        "bytes": version["bytes"],
        "staged": _moment(version["staged"]),
    }
    return dict(found, names=[str(each.get("path")) for each in files]) if names else found


def _partial(partial: Dict[str, Any], names: bool) -> Dict[str, Any]:
    path = partial["path"]
    shown = "unknown" if path is None else _path(str(path), names)
    return {"name": partial["name"], "path": shown, "bytes": partial["bytes"]}


def _path(path: Any, names: bool) -> str:
    """A folder as it is; of one blob, whose name may be somebody's, only the folder."""
    text = "" if path is None else str(path)
    if names or text.endswith("/") or data_choice.BEGINNING.match(text):
        return text
    return text[: text.rfind("/") + 1] + ("(one blob)" if text else "")


def _remains(what: str, name: str, path: str, why: str, do: str) -> Dict[str, str]:
    return {"what": what, "name": name, "path": path, "why": why, "do": do}


def _elsewhere(call: Call, gone: Set[str]) -> List[Dict[str, str]]:
    """Runs that read them and models made from them: nothing of a run is purged."""
    found: Dict[str, Dict[str, str]] = {}
    before = data_holders.before(call.root)
    why = "it read the data: its log, outputs, checkpoints and models may have some of them"
    for digest in sorted(gone):
        for each in before.get(digest, []):
            do = "trainshed runs delete %s" % each["name"]
            found[each["name"]] = _remains("run", each["name"], "", why, do)
    for name, digests in data_holders.packages(call.root):
        if gone & digests:
            do = "remove %s/packages/%s on the VM" % (call.root, name)
            found[name] = _remains("package", name, "", "its model was trained with the data", do)
    return [*found.values()]


def _same_files(call: Call, gone: Set[str], contents: Contents) -> List[Dict[str, str]]:
    """Versions that stay, and have some of the same files."""
    base = data_folder.folder(call.root)
    sought: Set[str] = set().union(*(contents[digest] for digest in gone))
    found = []
    for each in data_store.versions(call) if sought else []:
        files = data_manifests.files_of(os.path.join(base, each["digest"]))
        count = sum(1 for file in files if file.get("sha256") in sought)
        if count:
            why, do = "it has %d of the same files" % count, "trainshed data purge %s" % each["digest"][:12]
            found.append(_remains("version", each["digest"], "", why, do))
    return found


def _moment(when: "float | None" = None) -> str:
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
    except (OverflowError, ValueError, OSError):
        return ""


def _append(root: str, receipt: Receipt) -> None:
    """The whole line, on the disk when this returns."""
    line = json.dumps(receipt).encode("ascii") + b"\n"
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(os.path.join(root, FILE), flags, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        size = os.fstat(fd).st_size
        if size and os.pread(fd, 1, size - 1) != b"\n":  # a line that was cut short
            line = b"\n" + line
        while line:
            line = line[os.write(fd, line) :]
        os.fsync(fd)
    finally:
        os.close(fd)
