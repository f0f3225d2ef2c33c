"""Blobs that are made up as they are read: any number of any size, from a seed, stored nowhere."""

from __future__ import annotations

import base64
import bisect
import functools
import hashlib
import random
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

BLOCK = 64 * 1024  # bytes; each begins with its number and the blob's seed, so that no two are the same
HEAD = struct.Struct("<QQ")
MODIFIED = "Mon, 01 Jun 2026 08:00:00 GMT"
MOST = 5000  # blobs of one page of a listing


@functools.cache
def _pool() -> bytes:
    return random.Random(1).randbytes(1 << 20)


@dataclass(frozen=True)
class Blob:
    """`content` where it is given; else `size` bytes made from the name and `version`.

    `md5`: the service has one. `etag`: as it is written in a header.
    """

    name: str
    size: int = 0
    version: int = 0
    content: bytes | None = None
    md5: bool = True

    @property
    def seed(self) -> int:
        text = f"{self.name}\0{self.version}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.sha256(text + (self.content or b"")).digest()[:8], "little")

    @property
    def etag(self) -> str:
        return f'"0x{self.seed:016X}"'

    def read(self, first: int = 0, last: int | None = None) -> Iterator[bytes]:
        """The bytes `first` to `last` (inclusive), in pieces of a block at most."""
        end = self.size if last is None else min(last + 1, self.size)
        seed = self.seed
        while first < end:
            number, inside = divmod(first, BLOCK)
            size = min(BLOCK - inside, end - first)
            yield self._block(seed, number, inside, size)
            first += size

    def _block(self, seed: int, number: int, inside: int, size: int) -> bytes:
        if self.content is not None:
            return self.content[number * BLOCK + inside :][:size]
        pool = _pool()
        at = (seed + number * 7919) % (len(pool) - BLOCK)
        if inside >= HEAD.size:
            return pool[at + inside : at + inside + size]
        return (HEAD.pack(seed, number) + pool[at + HEAD.size : at + inside + size])[inside : inside + size]

    @property
    def sha256(self) -> str:
        return _hashed("sha256", self).hex()

    @property
    def content_md5(self) -> str:
        """As the service writes it: base64."""
        return base64.b64encode(_hashed("md5", self)).decode()


@functools.lru_cache(maxsize=1000)
def _hashed(kind: str, blob: Blob) -> bytes:
    found = hashlib.new(kind, usedforsecurity=False)
    for piece in blob.read():
        found.update(piece)
    return found.digest()


def given(name: str, content: bytes) -> Blob:
    return Blob(name, len(content), content=content)


def many(count: int, size: int = 4096, folder: str = "many/", *, md5: bool = True) -> list[Blob]:
    return [Blob(f"{folder}{number:06}.bin", size, md5=md5) for number in range(count)]


class Container:
    """Blobs by name."""

    def __init__(self, blobs: Iterable[Blob] = ()) -> None:
        self._blobs: dict[str, Blob] = {}
        self.names: list[str] = []
        self.put(*blobs)

    def put(self, *blobs: Blob) -> None:
        """Over what has the name already."""
        self._blobs.update({blob.name: blob for blob in blobs})
        self.names = sorted(self._blobs)

    def remove(self, name: str) -> None:
        del self._blobs[name]
        self.names = sorted(self._blobs)

    def change(self, name: str) -> Blob:
        """Another content of the same size, under another ETag."""
        changed = replace(self._blobs[name], version=self._blobs[name].version + 1, content=None)
        self._blobs[name] = changed
        return changed

    def find(self, name: str) -> Blob | None:
        return self._blobs.get(name)

    def truth(self, prefix: str = "") -> dict[str, str]:
        """Name without the prefix -> sha256 of what is there now."""
        return {name[len(prefix) :]: self._blobs[name].sha256 for name in self.names if name.startswith(prefix)}

    def page(self, prefix: str, marker: str, most: int) -> tuple[list[Blob], str]:
        """(blobs, the next marker or ""): a marker is the first name of its page."""
        first = bisect.bisect_left(self.names, max(prefix, marker))
        found = []
        for name in self.names[first : first + min(most, MOST) + 1]:
            if not name.startswith(prefix):
                break
            found.append(self._blobs[name])
        more = found[most].name if len(found) > most else found[MOST].name if len(found) > MOST else ""
        return found[: min(most, MOST)], more


ENTRY = (
    "<Blob><Name>{name}</Name><Properties><Last-Modified>{modified}</Last-Modified><Etag>{etag}</Etag>"
    "<Content-Length>{size}</Content-Length><Content-Type>application/octet-stream</Content-Type>"
    "<Content-Encoding /><Content-Language /><Content-MD5>{md5}</Content-MD5><Cache-Control />"
    "<Content-Disposition /><BlobType>BlockBlob</BlobType><LeaseStatus>unlocked</LeaseStatus>"
    "<LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties></Blob>"
)


def listing(container: str, blobs: Iterable[Blob], marker: str) -> str:
    """The XML of a page; `marker`: as the service writes it, opaque."""
    entries = [
        ENTRY.format(
            name=escape(blob.name),
            modified=MODIFIED,
            etag=blob.etag.strip('"'),
            size=blob.size,
            md5=blob.content_md5 if blob.md5 else "",
        )
        for blob in blobs
    ]
    return (
        f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="{container}"><Prefix />'
        f"<Blobs>{''.join(entries)}</Blobs><NextMarker>{escape(marker)}</NextMarker></EnumerationResults>"
    )
