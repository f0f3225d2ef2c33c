"""The search for a credential on a VM: arguments and environment of every process, and files, core dumps among them."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote

PIECE = 1 << 20
LARGEST = 64 << 20  # bytes of a file, but for core dumps; larger ones are staged, and their sha256 was compared


def forms(secret: str) -> set[bytes]:
    """How an account's key or a SAS token may be written: as it is, decoded, or encoded for an address."""
    signature = parse_qs(secret.lstrip("?")).get("sig", [""])[0]
    text = signature or secret
    found = {text.rstrip("="), quote(text, safe="").replace("%3D", ""), quote(text).replace("%3D", "")}
    needles = {each.encode() for each in found}
    try:
        needles.add(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        pass
    assert all(len(each) > 15 for each in needles), "too short to be looked for"
    return needles


class Search:
    """For any of `secrets`. Each hit is a place in words; what was found is not said."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._needles = {needle for secret in secrets for needle in forms(secret)}
        self._overlap = max(map(len, self._needles), default=0)

    def _in(self, text: bytes) -> bool:
        return any(needle in text for needle in self._needles)

    def processes(self) -> list[str]:
        """Of the whole machine: the VM's are among them."""
        hits = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            for kind in ("cmdline", "environ"):
                try:
                    text = Path(f"/proc/{name}/{kind}").read_bytes()
                except OSError:
                    continue  # it has just ended
                if self._in(text):
                    hits.append(f"the {kind} of process {name}")
        return hits

    def files(self, *places: Path, since: float = 0.0) -> list[str]:
        """Names and content, of those that changed at `since` (seconds since 1970) or later."""
        return [f"the file {path}" for place in places for path in _below(place, since) if self._inside(path)]

    def _inside(self, path: Path) -> bool:
        if self._in(os.fsencode(path)):
            return True
        before = b""
        try:
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    if self._in(before + piece):
                        return True
                    before = piece[-self._overlap :]
        except OSError:
            pass  # it has just gone
        return False


def _below(place: Path, since: float) -> Iterator[Path]:
    if place.is_file():
        yield place
    for folder, _, names in os.walk(place):
        for name in names:
            path = Path(folder, name)
            try:
                status = path.lstat()
            except OSError:
                continue
            read = status.st_size <= LARGEST or name.startswith("core")
            if stat.S_ISREG(status.st_mode) and read and status.st_ctime >= since:
                yield path
