"""Folders by content: `ROOT/snapshots/SHA256/`, SHA256 being that of the uncompressed tar stream.

What is sent for one build alone, its wheels, is in `ROOT/wheels/SHA256/` and goes with the build.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tarfile
import tempfile
import time
import zlib
from typing import Any, Dict, Iterable, Iterator, List, Set

from . import sandbox
from .call import Call
from .faults import Fault

CODE = "snapshots"
WHEELS = "wheels"
LIMIT_BYTES = {CODE: 4 << 30, WHEELS: 16 << 30}  # uncompressed; a code folder has 300 MB at most, PyTorch's wheels 4 GB
FORGOTTEN_S = 86400.0  # after which wheels that no build took are removed
LIMIT_FILES = 100000
BUFFER = 1 << 16
GZIP = 31  # zlib's window for a gzip stream


def have(call: Call, digest: str, store: str = CODE) -> Dict[str, Any]:
    return {"have": os.path.isdir(_place(call.root, digest, store))}


def put(call: Call, digest: str, store: str = CODE) -> Dict[str, Any]:
    """Upload: the tar, gzipped. Raises Fault where it is not what `digest` says, or not safe to unpack."""
    place = _place(call.root, digest, store)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    fresh = tempfile.mkdtemp(prefix=".new-", dir=os.path.dirname(place))
    try:
        folder = os.path.join(fresh, "files")
        os.mkdir(folder, 0o700)
        arriving = _Arriving(call.upload(), LIMIT_BYTES[store])
        _unpack(arriving, folder)
        if arriving.digest() != digest:
            raise Fault("run", "the snapshot arrived with another content than it was sent with", "launch again")
        if os.path.isdir(place):
            return {"reused": True}
        sandbox.share(folder)
        return {"reused": not _published(folder, place)}
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _place(root: str, digest: str, store: str) -> str:
    from . import jobs

    if not isinstance(digest, str) or not jobs.DIGEST.match(digest):
        raise Fault("run", "not a digest: %r" % (digest,))
    if store not in LIMIT_BYTES:
        raise Fault("run", "not a store of snapshots: %r" % (store,))
    return os.path.join(root, store, digest)


def folder(root: str, digest: str, store: str = CODE) -> str:
    """Where a snapshot is. Raises Fault where it is not."""
    place = _place(root, digest, store)
    if not os.path.isdir(place):
        raise Fault("run", "snapshot %s is not on this VM" % digest[:12], "launch the job again: it is sent then")
    return place


@contextlib.contextmanager
def used(root: str, wheels: str) -> Iterator[str]:
    """Their folder, which nobody removes meanwhile; "" where there are none. Raises Fault."""
    if not wheels:
        yield ""
        return
    fd = _user(root, wheels)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
        yield folder(root, wheels, WHEELS)
    finally:
        os.close(fd)


def _user(root: str, wheels: str) -> int:
    place = _place(root, wheels, WHEELS)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    name = os.path.join(os.path.dirname(place), ".use-" + wheels)
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.utime(fd)  # not swept
    return fd


def remove_wheels(root: str, digest: str) -> None:
    """Where no build has them; the last one to end removes them then."""
    fd = _user(root, digest)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove_wheels(_place(root, digest, WHEELS))
    except BlockingIOError:
        pass
    finally:
        os.close(fd)


def _remove_wheels(place: str) -> None:
    """Out of sight at once; a removal that is cut short is gone through by `sweep_wheels`."""
    gone = tempfile.mkdtemp(prefix=".gone-", dir=os.path.dirname(place))
    try:
        os.rename(place, gone)
    except OSError:
        pass  # another build of the same took them away
    shutil.rmtree(gone, ignore_errors=True)


def sweep_wheels(root: str) -> None:
    """What was sent and never built with, or half removed."""
    base = os.path.join(root, WHEELS)
    for name in os.listdir(base) if os.path.isdir(base) else []:
        place = os.path.join(base, name)
        try:
            if time.time() - os.lstat(place).st_mtime <= FORGOTTEN_S:
                continue
            if os.path.isdir(place):
                shutil.rmtree(place, ignore_errors=True)
            else:
                os.unlink(place)
        except FileNotFoundError:
            continue  # another client sweeps too


def _published(folder: str, place: str) -> bool:
    try:
        os.rename(folder, place)
    except OSError:
        if not os.path.isdir(place):
            raise
        return False  # another client was first
    return True


class _Arriving:
    """The upload as a file to read: unzipped, counted and hashed on the way. Raises Fault."""

    def __init__(self, chunks: Iterable[bytes], limit: int) -> None:
        self._chunks = iter(chunks)
        self._limit = limit
        self._unzip = zlib.decompressobj(GZIP)
        self._total = hashlib.sha256()
        self._size = 0

    def read(self, size: int) -> bytes:
        """`size` bytes at most; b"" is the end."""
        while not self._unzip.eof:
            waiting = self._unzip.unconsumed_tail or next(self._chunks, b"")
            if not waiting:
                raise Fault("run", "the snapshot arrived incomplete", "launch again")
            plain = self._unzipped(waiting, size)
            if plain:
                return plain
        return b""

    def _unzipped(self, data: bytes, size: int) -> bytes:
        try:
            plain = bytes(self._unzip.decompress(data, size))
        except zlib.error:
            raise Fault("run", "the snapshot is not a gzip stream", "launch again") from None
        self._size += len(plain)
        if self._size > self._limit:
            raise Fault("run", "the snapshot is larger than %d GiB" % (self._limit >> 30))
        self._total.update(plain)
        return plain

    def digest(self) -> str:
        """Of all of it: what is left is read."""
        while self.read(1 << 20):
            pass
        for _ in self._chunks:
            pass
        return self._total.hexdigest()


class _Member(tarfile.TarInfo):
    """Reads the plain header of a file by itself, as there are thousands of them; tarfile any other."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> Any:
        if not _PLAIN(buf, 100):
            return super().frombuf(buf, encoding, errors)
        if int(buf[148:154], 8) != sum(buf) - sum(buf[148:156]) + 8 * ord(" "):
            raise tarfile.ReadError("bad checksum")
        made = cls(buf[:100].partition(b"\0")[0].decode(encoding, errors))
        made.mode, made.size, made.mtime = int(buf[100:107], 8), int(buf[124:135], 8), int(buf[136:147], 8)
        return made


# From the mode on: mode, uid, gid, size, mtime, checksum, a regular file, no link, ustar (POSIX), no prefix.
_PLAIN = re.compile(rb"(?:[0-7]{7}\0){3}(?:[0-7]{11}\0){2}[0-7]{6}\0 0\0{100}ustar\00000.{80}\0", re.DOTALL).match


def _unpack(arriving: _Arriving, folder: str) -> None:
    """Files and folders as they come; links last, so that nothing is ever written through one."""
    links: List[tarfile.TarInfo] = []
    seen: Set[str] = set()
    made: Set[str] = {folder}
    try:
        with tarfile.open(fileobj=arriving, mode="r|", tarinfo=_Member, bufsize=BUFFER) as archive:  # type: ignore
            for member in archive:
                _check(member, seen)
                path = os.path.join(folder, member.name)
                if member.isdir():
                    os.makedirs(path, exist_ok=True)
                elif member.isreg():
                    _write(archive, member, path, made)
                else:
                    links.append(member)
    except tarfile.TarError as error:
        raise Fault("run", "the snapshot is not a tar stream: %s" % error) from None
    except (FileExistsError, NotADirectoryError) as error:
        name = os.path.relpath(str(error.filename), folder)
        raise Fault("run", "the snapshot has a path twice: %r" % name) from None
    for member in links:
        _link(folder, member)
    for member in links:
        _check_link(folder, member)


def _check(member: tarfile.TarInfo, seen: Set[str]) -> None:
    name = member.name
    if len(seen) >= LIMIT_FILES:
        raise Fault("run", "the snapshot has more than %d files" % LIMIT_FILES)
    if name.startswith("/") or ".." in name.split("/") or "\0" in name:
        raise Fault("run", "the snapshot has a path that leaves its folder: %r" % name)
    if not (member.isreg() or member.isdir() or member.issym()):
        raise Fault("run", "the snapshot has something that is neither file, folder nor link: %r" % name)
    if name in seen and not member.isdir():
        raise Fault("run", "the snapshot has a path twice: %r" % name)
    seen.add(name)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, made: Set[str]) -> None:
    """`made`: the folders that are there already."""
    above = os.path.dirname(path)
    if above not in made:
        os.makedirs(above, exist_ok=True)
        made.add(above)
    source = archive.extractfile(member)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(path, flags, 0o700 if member.mode & 0o100 else 0o600)
    try:
        left = member.size
        while left and source is not None:
            data = source.read(min(left, BUFFER))
            if not data:
                raise tarfile.ReadError("%s ends early" % member.name)
            left -= len(data)
            while data:
                data = data[os.write(fd, data) :]
        os.utime(fd, (member.mtime, member.mtime))
    finally:
        os.close(fd)


def _link(folder: str, member: tarfile.TarInfo) -> None:
    path = os.path.join(folder, member.name)
    if os.path.lexists(path):
        raise Fault("run", "the snapshot has a path twice: %r" % member.name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(member.linkname, path)
    _check_link(folder, member)  # before the next one can be placed through it


def _check_link(folder: str, member: tarfile.TarInfo) -> None:
    """Refuses a link that leads out, by itself or through others."""
    real = os.path.realpath(folder)
    target = os.path.realpath(os.path.join(folder, member.name))
    if member.linkname.startswith("/") or not (target == real or target.startswith(real + os.sep)):
        raise Fault("run", "the snapshot has a link that leaves its folder: %r" % member.name)
