"""What of a staging is here already: `journal.jsonl` in its temporary folder, only ever appended to.

    {"boot": ID, "block": bytes}             what follows was written under that boot id, in blocks of so many bytes
    ["file", path, etag, size, sha256]       the file is whole
    ["block", path, etag, size, number]      that block of a large file is written
    ["prefix", path, etag, size, blocks, sha256]   of so many blocks from its start
    ["gone", path, "", 0]                          what was noted of it before is not what is there

After a kill of the agent the kernel still has what was written. After a crash of the VM a file may have holes where it
was written to, so what another boot wrote counts only as far as its sha256 is found again.
"""

from __future__ import annotations

import json
import os
from typing import IO, Any, Dict, List, Set, Tuple

from .blob_list import Blob

NAME = "journal.jsonl"
BOOT = "/proc/sys/kernel/random/boot_id"


class Kept:
    """Of one blob. `sure`: of this boot. `prefixes`: blocks from its start -> sha256 of them."""

    __slots__ = ("blocks", "prefixes", "sha256", "sure")

    def __init__(self) -> None:
        self.sha256 = ""
        self.sure = False
        self.blocks: Set[int] = set()  # of this boot alone
        self.prefixes: Dict[int, str] = {}


def read(folder: str, blobs: Dict[str, Blob], block: int) -> Tuple[Dict[str, Kept], Set[str]]:
    """path -> what is kept of a blob that is still the same; and paths that have something else noted, to `forget`.

    A line that a crash has torn is passed over.
    """
    found: Dict[str, Kept] = {}
    stale: Set[str] = set()
    now, boot, alike = boot_id(), "", False
    try:
        with open(os.path.join(folder, NAME), encoding="utf-8", errors="replace") as file:
            for text in file:
                try:
                    line = json.loads(text)
                    if isinstance(line, dict):
                        boot, alike = line["boot"], line["block"] == block
                    elif alike:
                        _add(found, stale, blobs, line, boot == now != "")
                except (ValueError, KeyError, TypeError, IndexError):
                    continue
    except FileNotFoundError:
        pass
    return found, stale


def forget(folder: str, stale: Set[str]) -> None:
    """Before anything else comes to these paths: an ETag that comes back does not bring its bytes back."""
    if stale:
        with open(os.path.join(folder, NAME), "a", encoding="utf-8") as file:
            file.write("\n" + "".join(json.dumps(["gone", path, "", 0]) + "\n" for path in sorted(stale)))


def _add(found: Dict[str, Kept], stale: Set[str], blobs: Dict[str, Blob], line: List[Any], sure: bool) -> None:
    kind, path, etag, size = line[:4]
    blob = blobs.get(path)
    if blob is None or not etag or (blob.etag, blob.size) != (etag, size):
        found.pop(path, None)
        (stale.discard if kind == "gone" else stale.add)(path)
        return
    stale.discard(path)
    kept = found.get(path)
    if kept is None:
        kept = found[path] = Kept()
    if kind == "file":
        kept.sha256, kept.sure = line[4], sure
    elif kind == "prefix":
        kept.prefixes[line[4]] = line[5]
    elif kind == "block" and sure:
        kept.blocks.add(line[4])


class Journal:
    """Appends. Not for several threads."""

    def __init__(self, folder: str, block: int) -> None:
        self._file: IO[str] = open(  # noqa: SIM115 - closed by close()
            os.path.join(folder, NAME), "a", encoding="utf-8"
        )
        self._file.write("\n%s\n" % json.dumps({"boot": boot_id(), "block": block}))  # the last line may be torn
        self._file.flush()

    def add(self, lines: List[List[Any]]) -> None:
        if lines:
            self._file.write("".join(json.dumps(line) + "\n" for line in lines))
            self._file.flush()

    def close(self) -> None:
        self._file.close()


def boot_id() -> str:
    try:
        with open(BOOT, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
