"""The files that are being fetched: small ones in one answer, large ones in blocks that several connections bring."""

from __future__ import annotations

import base64
import binascii
import collections
import hashlib
import os
import queue
import threading
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Set

from .blob_list import Blob
from .faults import Fault
from .fetch_ask import Asker
from .fetch_journal import Kept
from .lean_http import Broken, Response, Wire

BLOCK = 8 * 1024 * 1024  # of a large blob; what is smaller comes in one answer
READ = 256 * 1024
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


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
        self.ready: "queue.SimpleQueue[Optional[Follower]]" = queue.SimpleQueue()  # None: an end
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
        self._md5 = _md5() if self.blob.md5 else None

    def run(self, ask: Asker, wire: Wire, buffer: memoryview, came: Callable[[int], None]) -> None:
        size = self.blob.size
        response = ask.ask(wire, self.blob, self._here, size - 1)
        if self._fd < 0:
            self._fd = os.open(self._files.place(self._path), _FLAGS | os.O_TRUNC, 0o600)
        while self._here < size:
            _filled(response, buffer, size - self._here, self._keep, came)
        _ended(response)
        self._finish()

    def _keep(self, chunk: memoryview) -> None:
        _write(self._fd, chunk, self._here)
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


class Large:
    """A file of several blocks. Followers hash it from its start while blocks come in any order."""

    def __init__(self, files: Files, path: str, blob: Blob, kept: Kept) -> None:
        self.blob = blob
        self.path = path
        self.files = files
        self.fd = _opened(files.place(path))
        self.lock = threading.Lock()
        self.count = (blob.size + BLOCK - 1) // BLOCK
        self.here: Set[int] = set()
        if os.fstat(self.fd).st_size == blob.size:
            self.here = {number for number in kept.blocks if 0 <= number < self.count}
        os.ftruncate(self.fd, blob.size)
        self.followers = [Follower(self, hashlib.sha256(), note=True)]
        if blob.md5:
            self.followers.append(Follower(self, _md5()))
        if not self.here and kept.prefixes:
            self._trust(kept.prefixes)
        self.repeated = False
        self.kept = sum(map(self.size_of, self.here))

    def size_of(self, number: int) -> int:
        return min(BLOCK, self.blob.size - number * BLOCK)

    def _trust(self, prefixes: Dict[int, str]) -> None:
        """As many blocks of another boot as their hash is found again for; the rest is fetched."""
        total = hashlib.sha256()
        for number in range(min(max(prefixes), self.count)):
            if self.files.stopped.is_set():
                return
            _hash_block(self, number, total)
            if prefixes.get(number + 1) not in (None, total.hexdigest()):
                return
            if number + 1 in prefixes:
                self.here = set(range(number + 1))

    def blocks(self) -> Iterator["Block"]:
        """Those that are missing. What is here is hashed meanwhile."""
        missing = sorted(set(range(self.count)) - self.here)
        for follower in self.followers:
            self.files.ready.put(follower)
        for number in missing:
            yield Block(self, number)

    def came(self, number: int) -> None:
        self.files.notes.append(["block", self.path, self.blob.etag, self.blob.size, number])
        with self.lock:
            self.here.add(number)
        for follower in self.followers:
            if follower.next == number:
                self.files.ready.put(follower)

    def ended(self) -> bool:
        """Whether this call was the one that finished it. Raises Damaged."""
        with self.lock:
            if self.fd < 0 or any(follower.next < self.count for follower in self.followers):
                return False
            if self.blob.md5 and self.followers[1].total.digest() != expected(self.blob):
                self.here = set()
                self.followers = [Follower(self, hashlib.sha256(), note=True), Follower(self, _md5())]
                raise Damaged
            os.fchmod(self.fd, 0o444)
            os.close(self.fd)
            self.fd = -1
        self.files.finish(self.path, self.blob, self.followers[0].total.hexdigest())
        return True

    def close(self) -> None:
        with self.lock:
            if self.fd >= 0:
                os.close(self.fd)
                self.fd = -1


class Block(Task):
    def __init__(self, file: Large, number: int) -> None:
        self.blob = file.blob
        self.file = file
        self._number = number
        self._here = number * BLOCK
        self._end = self._here + file.size_of(number)

    def run(self, ask: Asker, wire: Wire, buffer: memoryview, came: Callable[[int], None]) -> None:
        response = ask.ask(wire, self.blob, self._here, self._end - 1)
        while self._here < self._end:
            _filled(response, buffer, self._end - self._here, self._keep, came)
        _ended(response)
        self.file.came(self._number)

    def _keep(self, chunk: memoryview) -> None:
        _write(self.file.fd, chunk, self._here)
        self._here += len(chunk)


class Follower:
    """One hash of a large file, over the blocks that are here from its start on."""

    def __init__(self, file: Large, total: Any, note: bool = False) -> None:
        self.file = file
        self.total = total
        self.next = 0
        self._note = note
        self._busy = threading.Lock()

    def run(self) -> None:
        """Returns when the next block is not here; whoever brings that calls again."""
        file = self.file
        while self._ready() and self._busy.acquire(False):
            try:
                while self._ready():
                    _hash_block(file, self.next, self.total)
                    self.next += 1
                    if self._note:
                        blob, prefix = file.blob, self.total.hexdigest()
                        file.files.notes.append(["prefix", file.path, blob.etag, blob.size, self.next, prefix])
            finally:
                self._busy.release()

    def _ready(self) -> bool:
        return self.next in self.file.here


def _opened(place: str) -> int:
    try:
        return os.open(place, _FLAGS, 0o600)
    except PermissionError:  # read-only already: an earlier try was whole and could not note it
        os.chmod(place, 0o600)
        return os.open(place, _FLAGS)


def expected(blob: Blob) -> bytes:
    """Raises Fault where the service's own MD5 cannot be one."""
    try:
        return base64.b64decode(blob.md5.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        raise Fault("data", "the Content-MD5 of blob %r is none" % blob.name, "correct that property of the blob")


def _md5() -> Any:
    return hashlib.new("md5")  # noqa: S324 (what the service has)


def _filled(
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


def _ended(response: Response) -> None:
    if response.length is None and response.readinto(memoryview(bytearray(1))):
        raise Broken("more bytes than were asked for")


def _write(fd: int, chunk: memoryview, at: int) -> None:
    while chunk:
        wrote = os.pwrite(fd, chunk, at)
        at += wrote
        chunk = chunk[wrote:]


def _hash_block(file: Large, number: int, total: Any) -> None:
    at, end = number * BLOCK, number * BLOCK + file.size_of(number)
    while at < end:
        chunk = os.pread(file.fd, min(READ, end - at), at)
        if not chunk:
            raise Broken("a file became shorter while it was read")
        total.update(chunk)
        at += len(chunk)
