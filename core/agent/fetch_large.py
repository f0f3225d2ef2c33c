"""Large blobs: in blocks that several connections bring, hashed from the start while they come in any order."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import Any, Callable, Dict, Iterator, List, Set

from .blob_list import Blob
from .fetch_ask import Asker
from .fetch_files import FLAGS, Damaged, Files, Task, ended, expected, filled, fresh, md5, write
from .fetch_journal import Kept
from .lean_http import Broken, Wire

BLOCK = 8 * 1024 * 1024  # of a large blob; what is smaller comes in one answer
READ = 256 * 1024


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
        self.followers = self._begin()
        if not self.here and kept.prefixes:
            self._trust(kept.prefixes)
        self.repeated = False
        self.kept = sum(map(self.size_of, self.here))

    def _begin(self) -> List["Follower"]:
        second = md5() if self.blob.md5 else None
        return [Follower(self, hashlib.sha256(), note=True), *([Follower(self, second)] if second else [])]

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
            if len(self.followers) > 1 and self.followers[1].total.digest() != expected(self.blob):
                self.here = set()
                self.followers = self._begin()
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
            filled(response, buffer, self._end - self._here, self._keep, came)
        ended(response)
        self.file.came(self._number)

    def _keep(self, chunk: memoryview) -> None:
        write(self.file.fd, chunk, self._here)
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
    """What an earlier try left, or a new file."""
    try:
        if os.lstat(place).st_nlink > 1:
            return fresh(place)
        os.chmod(place, 0o600)  # read-only already: that try was whole and could not note it
        return os.open(place, FLAGS)
    except FileNotFoundError:
        return fresh(place)


def _hash_block(file: Large, number: int, total: Any) -> None:
    at, end = number * BLOCK, number * BLOCK + file.size_of(number)
    buffer = memoryview(bytearray(READ))  # small enough to stay in a processor's cache
    while at < end:
        got = os.preadv(file.fd, [buffer[: end - at]], at)
        if not got:
            raise Broken("a file became shorter while it was read")
        total.update(buffer[:got])
        at += got
