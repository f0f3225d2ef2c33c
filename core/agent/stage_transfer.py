"""From a container to a folder: what is here is linked or kept, the rest is fetched over several connections."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterator, List, NamedTuple

from . import data_folder, data_store, fetch_journal, fetch_large, folders, stage_disk, stage_links
from .blob import Client
from .call import Call
from .faults import Fault
from .fetch_ask import Asker
from .fetch_files import Again, Files, Task, Whole
from .fetch_journal import Journal, Kept
from .fetch_large import Large
from .fetch_pool import Pool
from .stage_plan import Plan
from .stage_progress import EVERY_S, Pace

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # sha256 of no bytes
TURN = 512  # files between two looks whether the call is cancelled


class Fetched(NamedTuple):
    """`files`: the manifest's. Bytes: `fetched` came in this call, `linked` are of versions that are staged."""

    temporary: str
    files: List[Dict[str, Any]]
    fetched: int
    linked: int


def fetch(call: Call, client: Client, base: str, plan: Plan) -> Fetched:
    """All of the plan in its temporary folder. Raises Fault, fetch_ask.Changed, OSError; what came stays there then."""
    work = _Work(call, base, plan)
    linked = work.begin()
    fetched = work.fetch(client) if work.todo else 0
    done = work.files.done
    listed = [{"path": path, "size": plan.blobs[path].size, "sha256": done[path]} for path in sorted(plan.blobs)]
    return Fetched(work.temporary, listed, fetched, linked)


class _Work:
    def __init__(self, call: Call, base: str, plan: Plan) -> None:
        self.call = call
        self.plan = plan
        self.temporary = os.path.join(base, data_folder.temporary(plan.family))
        self.files = Files(os.path.join(self.temporary, "files"))
        self.todo: Dict[str, Kept] = {}  # path -> what of it is here
        self._base = base
        self._there = 0  # bytes that were here at the start

    def begin(self) -> int:
        """Folders, what an earlier try left, and links; returns the bytes that were linked."""
        kept, stale = fetch_journal.read(self.temporary, self.plan.blobs, fetch_large.BLOCK)
        fetch_journal.forget(self.temporary, stale)
        stage_disk.keep_only(self.files.base, set(kept))
        self._make_folders()
        data_store.note(self.temporary, self.plan)
        linked = self._sort(kept, stage_links.known(self._base, self.plan))
        blobs = self.plan.blobs
        partly = sum(map(self._blocks_here, self.todo))
        try:
            stage_disk.make_sure_of_room(self._base, (blobs[path].size for path in self.todo), partly)
        except Fault:
            folders.remove(self.temporary)
            raise
        return linked

    def _make_folders(self) -> None:
        above = {path.rpartition("/")[0] for path in self.plan.blobs} | set(self.plan.folders)
        os.makedirs(self.files.base, exist_ok=True)
        for folder in sorted(above):
            if folder:
                os.makedirs(self.files.place(folder), exist_ok=True)

    def _sort(self, kept: Dict[str, Kept], staged: Dict[str, stage_links.Staged]) -> int:
        """Which files are done, and which are `todo`."""
        linked, nothing = 0, Kept()
        for turn, (path, blob) in enumerate(self.plan.blobs.items()):
            if turn % TURN == 0:
                self.call.wait(0)
            place, here = self.files.place(path), kept.get(path)
            if here is not None and here.sha256 and here.sure and _size(place) == blob.size:
                self.files.done[path] = here.sha256
                self._there += blob.size
            elif blob.size == 0:
                _make_empty(place)
                self.files.done[path] = EMPTY
            elif here is None and blob.name in staged and self._link(path, staged):
                linked += blob.size
            else:
                self.todo[path] = here or nothing
        self._there += linked
        return linked

    def _link(self, path: str, staged: Dict[str, stage_links.Staged]) -> bool:
        sha256 = stage_links.link(staged, self.plan.blobs[path], self.files.place(path))
        if sha256:
            self.files.done[path] = sha256
        return bool(sha256)

    def _blocks_here(self, path: str) -> int:
        """Bytes of a file that take up room already."""
        try:
            return min(os.stat(self.files.place(path)).st_blocks * 512, self.plan.blobs[path].size)
        except OSError:
            return 0

    def fetch(self, client: Client) -> int:
        """Bytes that came. Says progress and notices."""
        journal = Journal(self.temporary, fetch_large.BLOCK)
        pool = Pool(Asker(client), self.files, self._tasks)
        pace = Pace(self.plan.bytes, self._there)
        try:
            self._tell(pool, pace)
            while not pool.over.wait(EVERY_S):
                self.call.wait(0)
                self._tell(pool, pace)
                self._write(journal)
        finally:
            pool.close()
            self._write(journal)
            journal.close()
        self._tell(pool, pace)
        if pool.failure is not None:
            raise self._failed(pool.failure, sum(pool.bytes))
        return max(sum(pool.bytes), 0)

    def _tell(self, pool: Pool, pace: Pace) -> None:
        pool.rate.calm()
        while pool.rate.said:
            self.call.event(event="notice", text=pool.rate.said.pop(0))
        self.call.event(**pace.event(sum(pool.bytes)))

    def _write(self, journal: Journal) -> None:
        notes = self.files.notes
        while notes:
            journal.add([notes.popleft() for _ in range(min(len(notes), 10_000))])

    def _failed(self, failure: BaseException, came: int) -> BaseException:
        """A Fault says what is kept: the next call goes on there."""
        if isinstance(failure, Fault) and failure.facts.get("status") in (401, 403):
            kept = min(self._there + max(came, 0), self.plan.bytes)
            hint = "%s; %d of %d bytes are kept, and staging goes on there" % (failure.hint, kept, self.plan.bytes)
            return Fault(failure.code, failure.title, hint, **dict(failure.facts, kept=kept, total=self.plan.bytes))
        return failure

    def _tasks(self, pool: Pool) -> Iterator[Task]:
        for path, kept in self.todo.items():
            blob = self.plan.blobs[path]
            if kept.sha256:
                yield Again(self.files, path, blob, kept.sha256, self._otherwise(pool, path))
            elif blob.size <= fetch_large.BLOCK:
                yield Whole(self.files, path, blob)
            else:
                yield from self._large(pool, path, kept)

    def _large(self, pool: Pool, path: str, kept: Kept) -> Iterator[Task]:
        file = Large(self.files, path, self.plan.blobs[path], kept)
        self._there += file.kept
        yield from pool.large(file)

    def _otherwise(self, pool: Pool, path: str) -> Any:
        """What fetches a file that a crash has torn."""

        def fetch() -> None:
            try:
                os.unlink(self.files.place(path))
            except FileNotFoundError:
                pass
            for task in self._fresh(pool, path):
                pool.again(task)

        return fetch

    def _fresh(self, pool: Pool, path: str) -> Iterator[Task]:
        blob = self.plan.blobs[path]
        if blob.size <= fetch_large.BLOCK:
            yield Whole(self.files, path, blob)
        else:
            yield from self._large(pool, path, Kept())


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def _make_empty(place: str) -> None:
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.fchmod(handle, 0o444)
    os.close(handle)
