"""Takes what a run logged from the VM to the workspace: each thing once, by one client at a time.

The VM keeps the log and how far it was taken (the cursor). A forwarder holds a lease there, writes a batch,
and commits the cursor after the write: what was written and not committed is written again, which changes nothing.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from contextlib import aclosing
from typing import Any

import msgspec

from .. import threads
from ..errors import ConnectError, RunError, TrainshedError
from ..events import TERMINAL, Notice, RunInfo
from ..ssh.agent import Link
from ..workspace import Param, Workspace
from .recorder import Recorder

BATCH = 2000  # operations written and committed at once
PENDING = 20_000  # operations held in memory; what is dropped is read from the VM again
GATHER_S = 0.2
LEASE_S = 30.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 15.0
LAST_TRIES, LAST_WAIT_S = 3, 1.0  # at the end of a run nobody waits for a workspace that does not answer

KEPT = "what the run logs is kept on the VM and recorded when the run is followed again"


class Forwarder:
    """`take` what streams in, `notices()` what to show; `finish()` at the run's end, `close()` always.

    None of them raises for a workspace or a VM that does not answer: following goes on.
    """

    def __init__(
        self,
        link: Link,
        workspace: Workspace,
        run: str,
        *,
        site: str,
        vm: str,
        holder: str | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        self._link = link
        self._workspace = workspace
        self._run = run
        self._site, self._vm = site, vm
        self._holder = holder or uuid.uuid4().hex
        self._lease_s = lease_s
        self._until = 0.0  # of our lease, on the monotonic clock
        self._asking: asyncio.Future[dict[str, Any]] | None = None
        self._cursor: int | None = None  # None until the VM said it
        self._pending: deque[dict[str, Any]] = deque()
        self._seen = 0
        self._recorder: Recorder | None = None
        self._notices: list[Notice] = []
        self._watching = self._failing = False
        self._failures = 0
        self._ending = self._ended = False
        self._wake, self._hurry = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # what following uses

    def take(self, op: dict[str, Any]) -> None:
        """One tracking operation as the VM sent it. Cheap: the writing is done beside."""
        if op["seq"] <= self._seen:
            return
        self._seen = op["seq"]
        self._pending.append(op)
        if len(self._pending) > PENDING:
            self._pending.clear()
        self.start()
        self._wake.set()

    def notices(self) -> list[Notice]:
        """What has come up since the last time."""
        found, self._notices = self._notices, []
        return found

    async def finish(self) -> None:
        """Forwards the rest and ends the run in the workspace. Returns too where that cannot be done now."""
        self._ending, self._failures = True, 0
        self.start()
        self._wake.set()
        self._hurry.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Gives the lease back, so that another client can go on at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._asking is not None and not self._watching:
            await asyncio.wait([self._asking], timeout=LAST_WAIT_S)  # the VM may do the two in either order
            self._until = 0.0
            try:
                async with asyncio.timeout(LAST_WAIT_S):
                    agent = await self._link.agent()
                    await agent.call("tracking.lease", run=self._run, holder=self._holder, seconds=0)
            except (TrainshedError, TimeoutError):
                pass  # it expires by itself

    def start(self) -> None:
        """The run appears in the workspace before it has logged anything. `take` and `finish` start, too."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    # the work

    async def _work(self) -> None:
        while not self._ended:
            self._wake.clear()
            try:
                wait = await self._step()
                self._failures = 0
            except Exception as error:
                wait = self._failed(error)
            if wait and not self._ended:
                await self._rest(wait)

    async def _rest(self, seconds: float) -> None:
        """Until something comes in and a batch has gathered; after a failure, or without the lease, the whole time."""
        idle = bool(self._failures or self._watching)
        try:
            async with asyncio.timeout(seconds):
                await (self._hurry if idle else self._wake).wait()
            await asyncio.sleep(min(seconds, LAST_WAIT_S) if idle else GATHER_S)
        except TimeoutError:
            pass

    def _failed(self, error: Exception) -> float:
        """Seconds to wait. A link that is lost is shown by following; anything else is said once."""
        self._failures += 1
        if isinstance(error, RunError):
            self._until = 0.0  # the lease went to another client, or expired: asked for anew
        elif not isinstance(error, ConnectError) and not self._failing:
            self._failing = True
            title = error.title if isinstance(error, TrainshedError) else f"{type(error).__name__} while recording"
            self._say(f"{title}; {KEPT}", "warning")
        if self._ending and self._failures >= LAST_TRIES:
            self._ended = True
            if not self._failing:
                self._say(KEPT, "warning")
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (self._failures - 1))

    def _say(self, text: str, level: Any = "info") -> None:
        self._notices.append(Notice(text=text, level=level))

    async def _step(self) -> float:
        """Writes and commits one batch. Returns how many seconds there is nothing to do, 0 for more at once."""
        if not await self._leased():
            self._ended = self._ending
            return self._lease_s / 4
        recorder = self._recorder or await self._recording()
        batch = await self._batch()
        if batch:
            for text in await recorder.write(batch):
                self._say(text, "warning")
            await self._commit(batch[-1]["seq"])
            self._failing = False
            return 0.0
        if self._ending:
            await self._end()
        return self._lease_s / 3

    async def _leased(self) -> bool:
        """Asks for the lease, or to keep it, when half of it is over. False: another client forwards."""
        if self._until - time.monotonic() > self._lease_s / 2:
            return True
        asked = time.monotonic()
        agent = await self._link.agent()
        call = agent.call("tracking.lease", run=self._run, holder=self._holder, seconds=self._lease_s)
        self._asking = asyncio.ensure_future(call)
        self._asking.add_done_callback(lambda done: done.cancelled() or done.exception())  # heard, whoever waits
        answer = await asyncio.shield(self._asking)
        self._cursor = answer["cursor"]
        self._until = asked + self._lease_s if answer["granted"] else 0.0
        if not answer["granted"] and not self._watching:
            self._say("another trainshed records this run in the workspace; this one only watches")
        self._watching = not answer["granted"]
        return not self._watching

    async def _info(self) -> RunInfo:
        agent = await self._link.agent()
        return msgspec.convert({**await agent.call("runs.show", run=self._run), "vm": self._vm}, RunInfo)

    async def _recording(self) -> Recorder:
        info = await self._info()
        await threads.call(self._workspace.ensure_run, info)
        self._recorder = Recorder(self._link, self._workspace, info, self._site)
        return self._recorder

    async def _batch(self) -> list[dict[str, Any]]:
        """The operations that follow the cursor, without a gap: from memory, else from the VM."""
        cursor = self._cursor or 0
        while self._pending and self._pending[0]["seq"] <= cursor:
            self._pending.popleft()
        if self._pending and self._pending[0]["seq"] == cursor + 1:
            return [self._pending[index] for index in range(min(BATCH, len(self._pending)))]
        if self._seen <= cursor and not self._ending:
            return []
        agent = await self._link.agent()
        found = []
        stream = agent.stream("tracking.read", run=self._run, cursor=cursor, limit=BATCH)
        async with aclosing(stream) as messages:  # type: ignore[type-var]
            async for message in messages:
                if isinstance(message, dict) and message.get("event") == "tracking":
                    found.append(message)
        return found

    async def _commit(self, cursor: int) -> None:
        agent = await self._link.agent()
        await agent.call("tracking.commit", run=self._run, holder=self._holder, cursor=cursor)
        self._cursor = cursor

    async def _end(self) -> None:
        info = await self._info()
        if info.state in TERMINAL:
            params = [Param(key, value) for key, value in info.params.items()]
            await threads.call(self._workspace.write, self._run, params)
            await threads.call(self._workspace.finish, self._run, info.state, info.ended or time.time())
        self._ended = True
