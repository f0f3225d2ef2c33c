"""Receipts of purges on this machine: one file each in the state folder of the site, its owner's alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from .. import kept
from ..errors import AgentError, UsageError
from ..events import ReceiptInfo
from ..site import paths
from .told import measured

NAME = re.compile(r"purge-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")


class _Part(msgspec.Struct):
    files: int
    bytes: int


class _Receipt(msgspec.Struct):
    receipt: str
    began: str
    ended: str
    by: str
    asked: list[str]
    versions: list[_Part]
    remained: list[dict[str, Any]]


def folder(site: str) -> Path:
    return paths.state(site) / "receipts"


def intact(receipt: Mapping[str, Any]) -> bool:
    """Whether its sha256 is over what it says."""
    bare = {key: value for key, value in receipt.items() if key != "sha256"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"))
    return receipt.get("sha256") == hashlib.sha256(text.encode()).hexdigest()


def checked(receipt: object) -> dict[str, Any]:
    """The same, from the VM. Raises AgentError where it is no receipt."""
    if (
        not isinstance(receipt, dict)
        or not NAME.fullmatch(str(receipt.get("receipt")))
        or described(receipt) is None
        or not intact(receipt)
    ):
        raise AgentError("what the VM answered is no receipt of a purge", hint="trainshed data receipts --vm")
    return receipt


def keep(site: str, receipt: Mapping[str, Any]) -> Path:
    """Raises OSError, also where there is one of that name: a VM cannot put another in its place. Blocks."""
    path = paths.make_private(folder(site)) / f"{receipt['receipt']}.json"
    _write(path, receipt, "x")
    return path


def refuse(path: Path) -> None:
    """Raises UsageError where no copy can be written to `path`: before anything is removed."""
    if path.exists() or path.is_symlink():
        raise UsageError(f"{path} is there already", hint="a receipt is written over nothing: name another file")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path.parent} is no folder", hint="--receipt takes a new file in a folder that is there")


def copy(path: Path, receipt: Mapping[str, Any]) -> None:
    """Raises UsageError. Blocks."""
    try:
        _write(path, receipt, "x")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror or error}", hint="trainshed data receipts"
        ) from None
    kept.remember("receipt", path)


def _write(path: Path, receipt: Mapping[str, Any], mode: str) -> None:
    with open(path, mode, encoding="utf-8", opener=paths.private) as file:
        json.dump(receipt, file, indent=1, sort_keys=True)
        file.write("\n")


def here(site: str) -> list[ReceiptInfo]:
    """Oldest first; a file that is none is passed over. Blocks."""
    found = []
    for path in sorted(folder(site).glob("purge-*.json")):
        try:
            found += [info for info in [described(json.loads(path.read_text("utf-8")), str(path))] if info]
        except (OSError, ValueError, RecursionError):
            continue
    return found


def described(receipt: Any, path: str = "") -> ReceiptInfo | None:
    """None for what is no receipt."""
    try:
        known = msgspec.convert(receipt, _Receipt)
    except msgspec.ValidationError:
        return None
    if not measured(receipt):
        return None
    return ReceiptInfo(
        receipt=known.receipt,
        began=known.began,
        ended=known.ended,
        by=known.by,
        asked=known.asked,
        versions=len(known.versions),
        files=sum(each.files for each in known.versions),
        bytes=sum(each.bytes for each in known.versions),
        remained=len(known.remained),
        intact=intact(receipt),
        kept=path,
    )
