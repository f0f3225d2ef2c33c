"""The files that are being fetched: those that come in one answer, and what they share with large ones."""

from __future__ import annotations

import base64
import binascii
import collections
import hashlib
import os
import queue
import threading
from typing import Any, Callable, Deque, Dict, List

from .blob_list import Blob
from .faults import Fault
from .fetch_ask import Asker
from .lean_http import Broken, Response, Wire

FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Damaged(Exception):
    """What came is not what the service's MD5 says."""


class Task:
    """A part of a file that one connection brings; it goes on at the byte where it was cut."""

    blob: Blob
    failed = 0  # times in a row
    came = 0  # bytes of everything when it was refused last
    repeated = False  # it came damaged once

    def run(self, ask: Asker, wire: Wire, buffer: memoryview, came: Callable[[int], None]) -> None:
        """Raises Damaged, and what Asker.ask raises."""
        raise NotImplementedError


class Files:
    """What the tasks have in common: where files are, and what is noted of them."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.notes: Deque[List[Any]] = collections.deque()  # lines of the journal that are not written yet
        self.ready: "queue.SimpleQueue[Any]" = queue.SimpleQueue()  # None: an end
        self.stopped = threading.Event()
        self.done: Dict[str, str] = {}  # path -> sha256

    def place(self, path: str) -> str:
        return self.base + "/" + path

    def finish(self, path: str, blob: Blob, sha256: str) -> None:
        self.done[path] = sha256
        self.notes.append(["file", path, blob.etag, blob.size, sha256])


class Whole(Task):
    """A blob that comes in one answer."""

    def __init__(self, files: Files, path: str, blob: Blob) -> None:
        self.blob = blob
        self._files = files
        self._path = path
        self._begin()

    def _begin(self) -> None:
        self._fd = -1
        self._here = 0
        self._sha = hashlib.sha256()
        self._md5 = md5() if self.blob.md5 else None

    def run(self, ask: Asker, wire: Wire, buffer: memoryview, came: Callable[[int], None]) -> None:
        size = self.blob.size
        response = ask.ask(wire, self.blob, self._here, size - 1)
        if self._fd < 0:
            self._fd = fresh(self._files.place(self._path))
        while self._here < size:
            filled(response, buffer, size - self._here, self._keep, came)
        ended(response)
        self._finish()

    def _keep(self, chunk: memoryview) -> None:
        write(self._fd, chunk, self._here)
        self._sha.update(chunk)
        if self._md5 is not None:
            self._md5.update(chunk)
        self._here += len(chunk)

    def _finish(self) -> None:
        if self._md5 is not None and self._md5.digest() != expected(self.blob):
            self.close()
            self._begin()
            raise Damaged
        os.fchmod(self._fd, 0o444)  # the umask of the agent would take it from the mode of a new file
        self.close()
        self._files.finish(self._path, self.blob, self._sha.hexdigest())

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Again(Task):
    """A file that another boot has written: hashed again, and fetched where a crash has torn it."""

    def __init__(self, files: Files, path: str, blob: Blob, sha256: str, otherwise: Callable[[], None]) -> None:
        self.blob = blob
        self._what = files, path, sha256, otherwise

    def run(self, _ask: Asker, _wire: Wire, buffer: memoryview, came: Callable[[int], None]) -> None:
        files, path, sha256, otherwise = self._what
        total = hashlib.sha256()
        try:
            with open(files.place(path), "rb", buffering=0) as file:
                for got in iter(lambda: file.readinto(buffer), 0):
                    total.update(buffer[: got or 0])
        except FileNotFoundError:
            pass  # its folder was not on the disk yet
        if total.hexdigest() != sha256:
            otherwise()
            return
        os.chmod(files.place(path), 0o444)
        files.finish(path, self.blob, sha256)
        came(self.blob.size)


def fresh(place: str) -> int:
    """A new file, never one that is there: that may be a version's, by a hard link."""
    try:
        return os.open(place, FLAGS | os.O_EXCL, 0o600)
    except FileExistsError:
        os.unlink(place)
        return os.open(place, FLAGS | os.O_EXCL, 0o600)


def expected(blob: Blob) -> bytes:
    """Raises Fault where the service's own MD5 cannot be one."""
    try:
        return base64.b64decode(blob.md5.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        raise Fault("data", "the Content-MD5 of blob %r is none" % blob.name, "correct that property of the blob")


def md5() -> Any:
    """What the service has; None on a VM in FIPS mode whose Python cannot be told that it guards nothing."""
    for words in ({}, {"usedforsecurity": False}):  # the second from Python 3.9 on
        try:
            return hashlib.new("md5", b"", **words)  # noqa: S324 (it is compared, and guards nothing)
        except (ValueError, TypeError):
            continue
    return None


def filled(
    response: Response, buffer: memoryview, left: int, keep: Callable[[memoryview], None], came: Callable[[int], None]
) -> None:
    """Reads until the buffer is full, or `left` bytes came; what came is kept even where it breaks then."""
    filled, wanted = 0, min(left, len(buffer))
    try:
        while filled < wanted:
            got = response.readinto(buffer[filled:wanted])
            if not got:
                raise Broken("the answer ended early")
            filled += got
    finally:
        if filled:
            keep(buffer[:filled])
            came(filled)


def ended(response: Response) -> None:
    if response.length is None and response.readinto(memoryview(bytearray(1))):
        raise Broken("more bytes than were asked for")


def write(fd: int, chunk: memoryview, at: int) -> None:
    while chunk:
        wrote = os.pwrite(fd, chunk, at)
        at += wrote
        chunk = chunk[wrote:]
