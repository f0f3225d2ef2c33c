"""The threads of a staging: some that fetch, each over a connection of its own, and some that hash what is large."""

from __future__ import annotations

import http.client
import threading
from collections import deque
from typing import Callable, Deque, Iterator, List, Optional

from .faults import Fault
from .fetch_ask import Asker, Busy
from .fetch_files import Damaged, Files, Task
from .fetch_large import Block, Large
from .fetch_rate import CONNECTIONS, Rate, backoff
from .lean_http import Gone, Wire
from .stage_disk import is_local

BUFFER = 256 * 1024
HASHERS = 2
ATTEMPTS = 6  # in a row that bring not one byte: some five seconds
REFUSALS = 6  # in a row of one request, while nothing else comes either


class Pool:
    """Starts at once. `failure`: what ended it too early. Close it in any case."""

    def __init__(
        self,
        ask: Asker,
        files: Files,
        tasks: Callable[["Pool"], Iterator[Task]],
    ) -> None:
        connections = CONNECTIONS
        self.rate = Rate(connections)
        self.failure: Optional[BaseException] = None
        self.over = threading.Event()
        self.bytes = [0] * connections  # that came, by connection
        self._ask = ask
        self._files = files
        self._tasks = tasks(self)
        self._again: Deque[Task] = deque()  # tasks that were cut or refused, which come first
        self._open: List[Large] = []
        self._going = 0  # tasks that a thread has, and large files that are not whole yet
        self._turn = threading.Condition()
        self._wires: List[Optional[Wire]] = [None] * connections
        self._threads = [threading.Thread(target=self._fetch, args=(n,), daemon=True) for n in range(connections)]
        self._threads += [threading.Thread(target=self._hash, daemon=True) for _ in range(HASHERS)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Returns when every thread has ended."""
        self._stop(None)
        for wire in self._wires:
            if wire is not None:
                wire.interrupt()
        for _ in range(HASHERS):
            self._files.ready.put(None)
        for thread in self._threads:
            thread.join()
        for task in self._again:
            getattr(task, "close", bool)()
        for file in self._open:
            file.close()

    def _stop(self, failure: Optional[BaseException]) -> None:
        with self._turn:
            if failure is not None and self.failure is None and not self.over.is_set():
                self.failure = failure
            self.over.set()
            self._files.stopped.set()
            self._turn.notify_all()

    def _fetch(self, me: int) -> None:
        buffer = memoryview(bytearray(BUFFER))
        try:
            while True:
                task = self._next(me)
                if task is None:
                    return
                self._carry_out(me, task, buffer)
        except BaseException as error:
            self._stop(error)
        finally:
            self._drop(me)

    def _next(self, me: int) -> Optional[Task]:
        """None: there is nothing left to do."""
        with self._turn:
            while not self.over.is_set():
                if me >= self.rate.allowed:
                    self._drop(me)
                    self._turn.wait(0.5)
                    continue
                task = self._again.popleft() if self._again else next(self._tasks, None)
                if task is not None:
                    self._going += 1
                    return task
                if not self._going:
                    self.over.set()
                    self._turn.notify_all()
                    return None
                self._turn.wait(0.5)
            return None

    def _carry_out(self, me: int, task: Task, buffer: memoryview) -> None:
        before = self.bytes[me]

        def came(count: int) -> None:
            self.bytes[me] += count

        try:
            self._rest(self.rate.pause())
            task.run(self._ask, self._wire(me), buffer, came)
            task.failed = 0
        except Gone:
            self._drop(me)  # a kept connection had been closed at the other end
        except Busy as busy:
            self._refused(task, busy)
        except Damaged:
            self._damaged(me, task)
        except (OSError, http.client.HTTPException) as error:
            self._drop(me)
            if is_local(error):
                raise
            self._cut(task, error, brought=self.bytes[me] != before)
        else:
            self._settled(-1)
            return
        self._put_back(task)

    def _wire(self, me: int) -> Wire:
        wire = self._wires[me]
        if wire is None or not wire.rest:
            self._drop(me)
            wire = self._wires[me] = self._ask.connect()
            if self.over.is_set():
                raise OSError("ended meanwhile")
        return wire

    def _drop(self, me: int) -> None:
        wire, self._wires[me] = self._wires[me], None
        if wire is not None:
            wire.close()

    def _rest(self, seconds: float) -> None:
        if seconds:
            self.over.wait(seconds)

    def _put_back(self, task: Task) -> None:
        with self._turn:
            self._again.append(task)
            self._going -= 1
            self._turn.notify_all()

    def _settled(self, change: int) -> None:
        with self._turn:
            self._going += change
            if self._going == 0:
                self._turn.notify_all()

    def _refused(self, task: Task, busy: Busy) -> None:
        came = sum(self.bytes)
        task.failed = task.failed + 1 if task.came == came else 1
        task.came = came
        if task.failed > REFUSALS:
            hint = "it has been for a while: stage again later, it goes on where it ended"
            raise Fault("data", "the storage service is busy (%s)" % busy.code, hint, service_code=busy.code)
        self._rest(self.rate.refused(busy, task.failed))

    def _cut(self, task: Task, error: BaseException, brought: bool) -> None:
        task.failed = 1 if brought else task.failed + 1
        if task.failed > ATTEMPTS or self.over.is_set():
            raise error
        if task.failed > 1:
            self._rest(backoff(task.failed - 1))

    def _damaged(self, me: int, task: Task) -> None:
        """Once more, from its beginning."""
        self.bytes[me] -= task.blob.size
        if not _may_repeat(task):
            raise damaged(task.blob.name)

    def large(self, file: Large) -> Iterator[Block]:
        """The tasks of a large file."""
        with self._turn:  # reentrant: `tasks` is asked while it is held
            self._open.append(file)
            self._going += 1
        return file.blocks()

    def again(self, task: Task) -> None:
        """One task more, which comes first."""
        with self._turn:
            self._again.append(task)

    def _hash(self) -> None:
        try:
            for follower in iter(self._files.ready.get, None):
                follower.run()
                self._ended(follower.file)
        except BaseException as error:
            self._stop(error)

    def _ended(self, file: Large) -> None:
        try:
            if file.ended():
                self._open.remove(file)
                self._settled(-1)
        except Damaged:
            if file.repeated:
                raise damaged(file.blob.name) from None
            file.repeated = True
            self.bytes[0] -= file.blob.size
            with self._turn:
                self._again.extend(file.blocks())
                self._turn.notify_all()


def _may_repeat(task: Task) -> bool:
    first, task.repeated = not task.repeated, True
    return first


def damaged(name: str) -> Fault:
    title = "blob %r does not match its Content-MD5, twice" % name
    return Fault("data", title, "its content or that property is damaged at the service: upload it again")
