"""`services.Runs` on a real site."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import threads
from ..events import Event, JobResolved, Metric, Phase, RunCreated, RunDeleted, RunInfo, RunsListed, RunStateChanged
from ..jobs import nearby
from ..site.files import Site
from ..ssh.agent import Agent, Link
from . import launch, names, owner
from .bound import Looks
from .follow import Following, Forwarding, NotForwarded
from .reading import Reading
from .told import told

if TYPE_CHECKING:
    from ..workspace import Workspace

ENDED_BEFORE = "it had ended before, nothing was cancelled"


class LiveRuns:
    """`read_only`: following a run does not record it in the workspace."""

    def __init__(self, site: Site, link: Link, workspace: Workspace, *, read_only: bool = False) -> None:
        self._site = site
        self._link = link
        self._workspace = workspace
        self._read_only = read_only
        self._runs: dict[str, RunInfo] = {}  # as the VM told them last
        self._seen: dict[str, Any] | None = None  # what it calls that
        self._looks = Looks()

    async def launch(
        self,
        job: Path,
        *,
        settings: Mapping[str, str] | None = None,
        run: str | None = None,
        dry: bool = False,
        seen: str = "",
    ) -> AsyncGenerator[Event, None]:
        values = settings or {}
        plain = launch.dry(self._site, self._link, job, values)
        real = launch.Launch(self._site, self._link, run, self._looks.bound(seen)).events(job, values)
        async with aclosing(plain if dry else real) as events:
            async for event in events:
                self._looked(event, dry=dry)
                if isinstance(event, RunCreated):
                    await threads.call(nearby.remember, self._site.name, job)
                yield event

    async def follow(self, run: str, *, offset: int = 0) -> AsyncGenerator[Event, None]:
        agent = await self._link.agent()
        ulid = await self._named(agent, run)
        following = Following(self._link, Reading(ulid, offset), self._forwarder(ulid))
        async with aclosing(following.events()) as events:
            async for event in events:
                yield event

    def _forwarder(self, ulid: str) -> Forwarding:
        if self._read_only:
            return NotForwarded()
        from .forward import Forwarder  # the workspace behind it is heavy

        return Forwarder(self._link, self._workspace, ulid, site=self._site.name, vm=self._site.vm_name)

    async def list(self) -> AsyncGenerator[Event, None]:
        agent = await self._link.agent()
        yield RunsListed(runs=[*await self._known(agent)])

    async def show(self, run: str) -> AsyncGenerator[Event, None]:
        agent = await self._link.agent()
        ulid = await self._named(agent, run)
        yield RunsListed(runs=[self._info(await agent.call("runs.show", run=ulid))])

    async def compare(self, a: str, b: str) -> AsyncGenerator[Event, None]:
        from .compare import compared

        agent = await self._link.agent()
        first, second = [await self._named(agent, run) for run in (a, b)]
        command = f"trainshed runs compare {first} {second}"
        yield Phase(step="watch", title=f"Comparing run {first} with {second}", command=command)
        infos = [self._info(await agent.call("runs.show", run=run)) for run in (first, second)]
        yield await compared(agent, *infos)

    async def metrics(self, run: str) -> AsyncGenerator[Event, None]:
        agent = await self._link.agent()
        reading = Reading(await self._named(agent, run))
        stream = agent.stream("tracking.read", run=reading.run, cursor=0, limit=sys.maxsize)
        async with aclosing(stream) as messages:  # type: ignore[type-var]
            async for message in messages:
                for event in reading.tracked(message):
                    if isinstance(event, Metric):
                        yield event

    async def cancel(self, run: str, *, force: bool = False) -> AsyncGenerator[Event, None]:
        agent = await self._link.agent()
        ulid = await self._named(agent, run)
        yield Phase(step="watch", title=f"Ending run {ulid}", command=f"trainshed cancel {ulid}")
        result = await agent.call("runs.cancel", run=ulid, owner=owner.me(), force=force)
        before = result.get("ended_before")
        yield RunStateChanged(
            run=ulid,
            state=result["state"],
            time=time.time() if before is None else float(before),
            reason="" if before is None else ENDED_BEFORE,
        )

    async def rerun(
        self,
        run: str,
        *,
        settings: Mapping[str, str] | None = None,
        resume: bool = False,
        new: str | None = None,
        dry: bool = False,
        seen: str = "",
    ) -> AsyncGenerator[Event, None]:
        from .again import Again

        agent = await self._link.agent()
        ulid = await self._named(agent, run)
        started = Again(self._site, self._link, ulid).events(
            settings or {}, resume=resume, new=new, dry=dry, bound=self._looks.bound(seen)
        )
        async with aclosing(started) as events:
            async for event in events:
                self._looked(event, dry=dry)
                yield event

    def _looked(self, event: Event, *, dry: bool) -> None:
        if dry and isinstance(event, JobResolved):
            self._looks.keep(event)

    async def download(
        self, run: str, *, to: Path | None = None, output: str = "", force: bool = False
    ) -> AsyncGenerator[Event, None]:
        from .download import Download

        agent = await self._link.agent()
        ulid = await self._named(agent, run)
        coming = Download(self._link, ulid, to or Path(ulid), output=output, force=force).events()
        async with aclosing(coming) as events:
            async for event in events:
                yield event

    async def delete(self, runs: Sequence[str], *, force: bool = False) -> AsyncGenerator[Event, None]:
        agent = await self._link.agent()
        for ulid in [await self._named(agent, run) for run in runs]:
            yield Phase(step="watch", title=f"Deleting run {ulid}", command=f"trainshed runs delete {ulid}")
            result = await agent.call("runs.delete", run=ulid, owner=owner.me(), force=force)
            yield RunDeleted(run=ulid, bytes=result["bytes"])

    async def _known(self, agent: Agent) -> Sequence[RunInfo]:
        """Newest first. Only what has changed since the last time is sent."""
        result = await agent.call("runs.list", seen=self._seen, changes=True)
        fresh = {item["run"]: self._info(item) for item in result["runs"]}
        before = self._runs if (self._seen or {}).get("listing") == result["seen"]["listing"] else {}
        kept = {run: info for run, info in before.items() if run not in result["gone"]}
        self._runs, self._seen = {**kept, **fresh}, result["seen"]
        return sorted(self._runs.values(), key=lambda info: info.run, reverse=True)

    def _info(self, item: dict[str, Any]) -> RunInfo:
        return told(item, self._site.vm_name)

    async def _named(self, agent: Agent, run: str) -> str:
        if names.whole(run):
            return run.strip().upper()
        return names.resolve(run, [info.run for info in await self._known(agent)])
