"""Code folders by content: `ROOT/snapshots/SHA256/`, SHA256 being that of the uncompressed tar stream."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
import zlib
from typing import Any, Dict, List

from . import sandbox
from .call import Call
from .faults import Fault

LIMIT_BYTES = 4 << 30  # uncompressed; a code folder has 300 MB at most
LIMIT_FILES = 100000
GZIP = 31  # zlib's window for a gzip stream


def have(call: Call, digest: str) -> Dict[str, Any]:
    return {"have": os.path.isdir(_place(call.root, digest))}


def put(call: Call, digest: str) -> Dict[str, Any]:
    """Upload: the tar, gzipped. Raises Fault where it is not what `digest` says, or not safe to unpack."""
    place = _place(call.root, digest)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    fresh = tempfile.mkdtemp(prefix=".new-", dir=os.path.dirname(place))
    try:
        tar = os.path.join(fresh, "tar")
        seen = _received(call, tar)
        if seen != digest:
            raise Fault("run", "the snapshot arrived with another content than it was sent with", "launch again")
        if os.path.isdir(place):
            return {"reused": True}
        folder = os.path.join(fresh, "files")
        os.mkdir(folder)
        _unpack(tar, folder)
        sandbox.share(folder)
        return {"reused": not _published(folder, place)}
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _place(root: str, digest: str) -> str:
    from . import jobs

    if not isinstance(digest, str) or not jobs.DIGEST.match(digest):
        raise Fault("run", "not a digest: %r" % (digest,))
    return os.path.join(root, "snapshots", digest)


def _published(folder: str, place: str) -> bool:
    try:
        os.rename(folder, place)
    except OSError:
        if not os.path.isdir(place):
            raise
        return False  # another client was first
    return True


def _received(call: Call, path: str) -> str:
    """Writes the uncompressed stream to `path`; its sha256."""
    total, size = hashlib.sha256(), 0
    unzip = zlib.decompressobj(GZIP)
    with open(path, "wb") as file:
        for chunk in call.upload():
            waiting = chunk
            while waiting:
                plain = _unzipped(unzip, waiting)
                waiting = unzip.unconsumed_tail
                size += len(plain)
                if size > LIMIT_BYTES:
                    raise Fault("run", "the snapshot is larger than %d GiB" % (LIMIT_BYTES >> 30))
                total.update(plain)
                file.write(plain)
    if not unzip.eof:
        raise Fault("run", "the snapshot arrived incomplete", "launch again")
    return total.hexdigest()


def _unzipped(unzip: Any, chunk: bytes) -> bytes:
    try:
        return bytes(unzip.decompress(chunk, 1 << 20))
    except zlib.error:
        raise Fault("run", "the snapshot is not a gzip stream", "launch again") from None


def _unpack(tar: str, folder: str) -> None:
    """Files and folders first; links last, so that nothing is ever written through one."""
    try:
        with tarfile.open(tar, "r:") as archive:
            members = archive.getmembers()
            _check(members)
            for member in members:
                if member.isdir():
                    os.makedirs(os.path.join(folder, member.name), exist_ok=True)
                elif member.isreg():
                    _write(archive, member, os.path.join(folder, member.name))
    except tarfile.TarError as error:
        raise Fault("run", "the snapshot is not a tar stream: %s" % error) from None
    for member in members:
        if member.issym():
            _link(folder, member)
    for member in members:
        if member.issym():
            _check_link(folder, member)


def _check(members: List[tarfile.TarInfo]) -> None:
    if len(members) > LIMIT_FILES:
        raise Fault("run", "the snapshot has more than %d files" % LIMIT_FILES)
    seen = set()
    for member in members:
        name = member.name
        if name.startswith("/") or ".." in name.split("/") or "\0" in name:
            raise Fault("run", "the snapshot has a path that leaves its folder: %r" % name)
        if not (member.isreg() or member.isdir() or member.issym()):
            raise Fault("run", "the snapshot has something that is neither file, folder nor link: %r" % name)
        if name in seen and not member.isdir():
            raise Fault("run", "the snapshot has a path twice: %r" % name)
        seen.add(name)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    source = archive.extractfile(member)
    if source is None:
        raise Fault("run", "the snapshot has a file with no content: %r" % member.name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "xb") as file:
        shutil.copyfileobj(source, file)
    os.chmod(path, 0o700 if member.mode & 0o100 else 0o600)
    os.utime(path, (member.mtime, member.mtime))


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
