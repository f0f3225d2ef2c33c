"""The code folder as one deterministic tar: the same files give the same bytes, whoever and whenever.

The digest is the sha256 of the tar without compression. For the way it is compressed and streamed;
it is never a file on the client.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zlib
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from .. import threads
from ..errors import JobError
from .manifest import Entry, Manifest

CHUNK = 64 * 1024
TIME = 315_532_800  # 1980-01-01: the first time that a zip archive can hold
LEVEL = 1  # of zlib: a link is slower than this and faster than level 6
_GZIP = 31  # window bits for a gzip header, which zlib writes without a time


class _Sink(io.RawIOBase):
    """A file to write a tar to."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write_to = write

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._write_to(data)
        return len(data)


def write_tar(manifest: Manifest, write: Callable[[bytes], object]) -> None:
    """Raises JobError for a file that changes meanwhile. Blocks."""
    with tarfile.open(fileobj=_Sink(write), mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK) as tar:
        for entry in manifest.entries:
            if entry.link is not None:
                tar.addfile(_header(entry))
                continue
            try:
                with (Path(manifest.folder) / entry.path).open("rb") as file:
                    tar.addfile(_header(entry), file)
                    grown = file.read(1)
            except OSError as error:  # tarfile raises one for a file that is too short, too
                reason = error.strerror or "it became shorter"
                raise JobError(f"code: {entry.path} cannot be read: {reason}", hint="launch again") from None
            if grown:
                raise JobError(f"code: {entry.path} grew while it was read", hint="launch again")


def _header(entry: Entry) -> tarfile.TarInfo:
    header = tarfile.TarInfo(entry.path)
    header.mtime = TIME
    header.mode = 0o755 if entry.executable else 0o644
    header.size = entry.size
    if entry.link is not None:
        header.type, header.linkname, header.mode = tarfile.SYMTYPE, entry.link, 0o777
    return header


def digest(manifest: Manifest) -> str:
    """sha256 of the tar, in hex. Raises JobError. Blocks."""
    total = hashlib.sha256()
    write_tar(manifest, total.update)
    return total.hexdigest()


async def chunks(manifest: Manifest, expected: str) -> AsyncGenerator[bytes, None]:
    """The tar, compressed, in chunks. Raises JobError where it is no longer what `expected` was made of."""

    def produce(stream: threads.Stream) -> None:
        total, pack, held = hashlib.sha256(), zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP), bytearray()

        def write(data: bytes) -> None:
            total.update(data)
            held.extend(pack.compress(data))
            while len(held) >= CHUNK:
                stream.put(bytes(held[:CHUNK]))
                del held[:CHUNK]

        write_tar(manifest, write)
        if total.hexdigest() != expected:
            raise JobError("code: a file changed while the snapshot was sent", hint="launch again")
        stream.put(bytes(held) + pack.flush())

    batches = threads.stream(produce, "snapshot", capacity=64)
    try:
        async for batch in batches:
            for chunk in batch:
                yield chunk
    finally:
        await batches.aclose()
