"""A folder of code, data or a build context as one deterministic tar: the same files give the same bytes, always.

The digest is the sha256 of the tar without compression. For the way it is compressed and streamed;
it is never a file on the client, and where it is small the files are read once for both.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import zlib
from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import NamedTuple, Self

from .. import threads
from ..errors import JobError
from .manifest import Entry, Manifest

CHUNK = 64 * 1024
TIME = 315_532_800  # 1980-01-01: the first time that a zip archive can hold
LEVEL = 1  # of zlib: a link is slower than this and faster than level 6
HELD_BYTES = 32 << 20  # of a tar that is kept in memory between its digest and its sending
_GZIP = 31  # window bits for a gzip header, which zlib writes without a time
_BLOCK = tarfile.BLOCKSIZE
_BELOW = os.open in os.supports_dir_fd  # Windows opens no file relative to a folder


class Snapshot(NamedTuple):
    manifest: Manifest
    digest: str  # sha256 of the tar, in hex
    tar: list[bytes] | None  # None: too large to be held, read again


def taken(manifest: Manifest) -> Snapshot:
    """Raises JobError. Blocks."""
    total = hashlib.sha256()
    held: list[bytes] | None = [] if manifest.bytes + len(manifest.entries) * _BLOCK <= HELD_BYTES else None
    for piece in _gathered(pieces(manifest)):
        total.update(piece)
        if held is not None:
            held.append(piece)
    return Snapshot(manifest, total.hexdigest(), held)


def pieces(manifest: Manifest) -> Iterator[bytes]:
    """The tar. Raises JobError for a file that changes meanwhile. Blocks."""
    size = 0
    with _Place(manifest) as place:
        for entry in manifest.entries:
            header = _header(entry)
            yield header
            size += len(header)
            if entry.link is None:
                for piece in _content(place, entry):
                    size += len(piece)
                    yield piece
    yield bytes(2 * _BLOCK + -(size + 2 * _BLOCK) % tarfile.RECORDSIZE)


class _Place:
    """Opens what a manifest lists: a link that has come into a path since then is refused, never followed."""

    def __init__(self, manifest: Manifest) -> None:
        self.folder = manifest.folder
        self._file = manifest.file
        self._base = -1  # descriptors: of the folder,
        self._last = -1  # and of the one below it that the last file was in
        self._inside = ""  # which that is

    def open(self, path: str) -> int:
        """A descriptor, of whatever is there: it does not wait for the other end of a FIFO. Raises OSError."""
        if not _BELOW:
            return os.open(self._file or f"{self.folder}/{path}", os.O_RDONLY | getattr(os, "O_BINARY", 0))
        base, name = os.path.split(self._file) if self._file else (self.folder, path)
        if self._base < 0:
            self._base = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        inside, _, name = name.rpartition("/")
        if inside != self._inside:
            self._enter(inside)
        where = self._last if inside else self._base
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=where)

    def _enter(self, inside: str) -> None:
        self._leave()
        for part in inside.split("/") if inside else ():
            above = self._base if self._last < 0 else self._last
            found = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
            if self._last >= 0:
                os.close(self._last)
            self._last = found
        self._inside = inside

    def _leave(self) -> None:
        self._inside = ""
        if self._last >= 0:
            os.close(self._last)
            self._last = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        if self._base >= 0:
            os.close(self._base)


def _content(place: _Place, entry: Entry) -> Iterator[bytes]:
    """A file, filled up to whole blocks."""
    left, path = entry.size, f"{place.folder}/{entry.path}"
    try:
        fd = place.open(entry.path)
        try:
            _check(os.fstat(fd), entry, path)
            while data := os.read(fd, min(left, CHUNK) + (left <= CHUNK)):
                left -= len(data)
                if left < 0:
                    raise _grew(path)
                yield data
        finally:
            os.close(fd)
    except OSError as error:
        raise JobError(f"{path} cannot be read: {error.strerror}", hint="launch again") from None
    if left:
        raise _shrank(path)
    if entry.size % _BLOCK:
        yield bytes(-entry.size % _BLOCK)


def _check(info: os.stat_result, entry: Entry, path: str) -> None:
    """Raises JobError where it is no longer the file that the manifest has."""
    if not stat.S_ISREG(info.st_mode):
        raise JobError(f"{path} cannot be read: it is no longer a file", hint="launch again")
    if info.st_size != entry.size:
        raise _grew(path) if info.st_size > entry.size else _shrank(path)


def _grew(path: str) -> JobError:
    return JobError(f"{path} grew while it was read", hint="launch again")


def _shrank(path: str) -> JobError:
    return JobError(f"{path} cannot be read: it became shorter", hint="launch again")


def _header(entry: Entry) -> bytes:
    """As tarfile writes it. Short plain names, which are nearly all, are filled into a header that it made."""
    if entry.link is None and entry.path.isascii() and len(entry.path) <= tarfile.LENGTH_NAME:
        made = bytearray(_EXECUTABLE if entry.executable else _PLAIN)
        made[: len(entry.path)] = entry.path.encode()
        made[124:135] = b"%011o" % entry.size
        made[148:155] = b"%06o\0" % (sum(made) - sum(made[148:156]) + 256)  # its own field counts as blanks
        return bytes(made)
    return _made(entry.path, entry.size, entry.executable, entry.link)


def _made(path: str, size: int, executable: bool, link: str | None = None) -> bytes:
    header = tarfile.TarInfo(path)
    header.mtime = TIME
    header.mode = 0o755 if executable else 0o644
    header.size = size
    if link is not None:
        header.type, header.linkname, header.mode = tarfile.SYMTYPE, link, 0o777
    return header.tobuf(tarfile.PAX_FORMAT)


_PLAIN, _EXECUTABLE = _made("", 0, False), _made("", 0, True)


def _gathered(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in larger pieces."""
    held: list[bytes] = []
    size = 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size >= CHUNK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


async def chunks(snapshot: Snapshot) -> AsyncGenerator[bytes, None]:
    """The tar, compressed, in chunks. Raises JobError where the folder is no longer what its digest was made of."""

    def produce(stream: threads.Stream) -> None:
        total, pack, held = hashlib.sha256(), zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP), bytearray()
        for piece in snapshot.tar if snapshot.tar is not None else _gathered(pieces(snapshot.manifest)):
            if snapshot.tar is None:
                total.update(piece)
            held.extend(pack.compress(piece))
            while len(held) >= CHUNK:
                stream.put(bytes(held[:CHUNK]))
                del held[:CHUNK]
        if snapshot.tar is None and total.hexdigest() != snapshot.digest:
            raise JobError(f"a file of {snapshot.manifest.folder} changed while it was sent", hint="launch again")
        stream.put(bytes(held) + pack.flush())

    batches = threads.stream(produce, "snapshot", capacity=64)
    try:
        async for batch in batches:
            for chunk in batch:
                yield chunk
    finally:
        await batches.aclose()
