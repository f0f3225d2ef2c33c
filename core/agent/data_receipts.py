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

from . import data_choice, data_folder, data_manifests, data_remains
from .call import Call
from .faults import Fault

FILE = "receipts.jsonl"
SCHEMA = 1
MOST = 200  # receipts that are answered, the latest
EVERYTHING = ["everything"]
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
        "asked": [_path(target, names) for target in targets] or EVERYTHING,
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
    told = {each["name"] for each in stay}
    whole = dict(
        receipt,
        versions=[each for each in receipt["versions"] if each["digest"] in gone],
        partial=[each for each in receipt["partial"] if each["name"] in partial],
        freed_bytes=done.freed,
        remained=stay + data_remains.of(call, done.versions, contents, told, receipt["asked"] == EVERYTHING),
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
        rests = {data_folder.was(name) for name in data_folder.gone(base)}  # the sweep could not delete them
        here = {name for name in (each["digest"] for each in receipt["versions"]) if _is_here(base, name, rests)}
        begun = {name for name in (each["name"] for each in receipt["partial"]) if _is_here(base, name, rests)}
        why = "the purge was cut short, or it was staged again"
        remained = [data_remains.item("version", name, "", why, "purge again") for name in sorted(here)]
        remained += [data_remains.item("staging", name, "", why, "purge again") for name in sorted(begun)]
        versions = [each for each in receipt["versions"] if each["digest"] not in here]
        partial = [each for each in receipt["partial"] if each["name"] not in begun]
        remained += data_remains.rests(call, set())
        remained += data_remains.elsewhere(call, {each["digest"] for each in versions})
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


def _is_here(base: str, name: str, rests: Set[str]) -> bool:
    return name in rests or os.path.lexists(os.path.join(base, name))


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
