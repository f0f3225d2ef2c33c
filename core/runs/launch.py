"""From a job file to a run that goes on by itself.

Each step is repeated safely: data and environments are found by content, the snapshot by its digest, and
the ULID is the run's folder on the VM, so that a second launch of it finds the first.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec

from .. import amounts, equal, threads
from ..amounts import plural
from ..data.service import LiveData
from ..errors import LinkLost, RunError
from ..events import DataStaged, Event, Notice, Phase, RunCreated, RunStateChanged
from ..jobs import resolve
from ..sandbox import policy
from ..site.files import Site
from ..ssh.agent import Link
from . import again, names, outgoing, owner, plan, preview, sending
from .bound import Bound
from .building import Building
from .outgoing import Outgoing
from .plan import Plan

STEP = "launch"
CREATE_ATTEMPTS = 3
UNSEEN = Bound()
WEAKER = "below bubblewrap: the run ends if trainshed's processes on the VM are killed; in Docker it would go on"


class Launch:
    """One launch. `run`: a ULID made earlier, or None for a new one. `bound`: to what somebody looked at."""

    def __init__(self, site: Site, link: Link, run: str | None, bound: Bound = UNSEEN) -> None:
        self._site = site
        self._link = link
        self._bound = bound
        self._given = run is not None
        self.run = names.checked(run)
        self.digests: dict[str, str] = {}  # path in the container -> what is staged of it
        self._environment: str | None = None
        self._engine = "bwrap"

    async def events(self, path: Path, settings: Mapping[str, str]) -> AsyncGenerator[Event, None]:
        yield _phase(f"Reading {path}", equal.command("run", path))
        prepared = await threads.call(plan.make, path, settings, self._site)
        async with aclosing(self.carried_out(prepared)) as events:
            async for event in events:
                yield event

    async def carried_out(self, prepared: Plan) -> AsyncGenerator[Event, None]:
        record = preview.record(prepared, self._site)
        yield record
        for notice in _said(prepared):
            yield notice
        found = await self._found() if self._given else []
        for event in found:
            yield event
        if not found:
            self._bound.to_record(record)
        for step in () if found else (self._stage, self._send, self._build, self._create):
            async with aclosing(step(prepared)) as events:
                async for event in events:
                    yield event

    async def _found(self) -> list[Event]:
        """The run, if an earlier launch of the same ULID came through."""
        agent = await self._link.agent()
        try:
            info = await agent.call("runs.show", run=self.run)
        except RunError:
            return []
        return self._created(info["name"], info["experiment"], info["command"], info["state"], existed=True)

    async def _stage(self, prepared: Plan) -> AsyncGenerator[Event, None]:
        data = LiveData(self._site, self._link)
        for path in sorted({need.path for need in prepared.resolved.data.values()} - set(self.digests)):
            async with aclosing(data.stage(path)) as events:
                async for event in events:
                    if isinstance(event, DataStaged):
                        self._bound.to_data(event.data)
                        self.digests[path] = event.data.digest
                    yield msgspec.structs.replace(event, step=STEP) if isinstance(event, Phase) else event

    async def _send(self, prepared: Plan) -> AsyncGenerator[Event, None]:
        for each in prepared.outgoing:
            async with aclosing(self._sent_once(each)) as events:
                async for event in events:
                    yield event

    async def _sent_once(self, each: Outgoing) -> AsyncGenerator[Event, None]:
        agent, taken = await self._link.agent(), each.taken
        if (await agent.call("snapshots.have", digest=taken.digest))["have"]:
            yield Notice(text=f"the {each.what} is on {self._site.vm_name} already (snapshot {taken.digest[:12]})")
            return
        files, size = plural(len(taken.manifest.entries), "file"), amounts.size(taken.manifest.bytes)
        yield _phase(f"Sending {files}, {size} of {each.what}: {each.shown}")
        async with aclosing(sending.sent(agent, taken, f"Sending the {each.what}")) as events:
            async for event in events:
                yield event

    async def environment(self, prepared: Plan) -> AsyncGenerator[Event, None]:
        """That of the job alone."""
        context = prepared.outgoing_context
        for text in outgoing.notes(prepared.job, context, again=False):
            yield Notice(text=text)
        for step in (*(self._sent_once(each) for each in context), self._build(prepared)):
            async with aclosing(step) as events:
                async for event in events:
                    yield event

    async def _build(self, prepared: Plan) -> AsyncGenerator[Event, None]:
        yield _phase("Preparing the environment")
        building = Building(self._site, self._link, prepared.environment)
        async with aclosing(building.events()) as events:
            async for event in events:
                yield event
        self._bound.to_engine(building.engine)
        self._environment, self._engine = building.hash, building.engine

    async def _create(self, prepared: Plan) -> AsyncGenerator[Event, None]:
        resolved = prepared.resolved
        if self._engine == "bwrap":
            yield Notice(text=WEAKER)
        yield _phase(f"Starting {resolved.name} on {self._site.vm_name}")
        record = resolve.record(
            resolved,
            run=self.run,
            snapshot=prepared.digest,
            environment=self._environment,
            digests=self.digests,
            sent=prepared.input_digests,
            created=time.time(),
            owner=owner.me(),
            source=again.source(prepared.job, prepared.environment),
            parent=prepared.parent,
            resume=prepared.resume,
        )
        allowed = policy.for_job(data=bool(resolved.inputs), slots=self._site.vm.slots, engine=self._engine)
        result = await self._call_create(record, allowed)
        existed = result["existed"] and self._given  # a new ULID was found by our own second try, if at all
        state = result["state"]
        for event in self._created(resolved.name, resolved.experiment, resolved.command, state, existed=existed):
            yield event

    async def _call_create(self, record: dict[str, Any], allowed: dict[str, Any]) -> dict[str, Any]:
        """Asked again when the link was lost: the ULID makes sure that nothing starts twice."""
        for attempt in range(1, CREATE_ATTEMPTS + 1):
            agent = await self._link.agent()
            try:
                return await agent.call("runs.create", run=self.run, job=record, policy=allowed)
            except LinkLost:
                if attempt == CREATE_ATTEMPTS:
                    raise
        raise AssertionError

    def _created(self, name: str, experiment: str, command: str, state: str, *, existed: bool) -> list[Event]:
        vm = self._site.vm_name
        created = RunCreated(run=self.run, name=name, experiment=experiment, vm=vm, command=command, existed=existed)
        return [created, RunStateChanged(run=self.run, state=state, time=time.time())]  # type: ignore[arg-type]


def _phase(title: str, command: str = "") -> Phase:
    return Phase(step=STEP, title=title, command=command)


def _said(prepared: Plan) -> list[Notice]:
    warnings = [Notice(text=text, level="warning") for text in prepared.warnings]
    return [*warnings, *(Notice(text=text) for text in prepared.notes)]


async def dry(site: Site, link: Link, path: Path, settings: Mapping[str, str]) -> AsyncGenerator[Event, None]:
    """What a launch would do. Nothing changes anywhere."""
    yield _phase(f"Reading {path}", equal.command("run", path, "--dry-run"))
    prepared = await threads.call(plan.make, path, settings, site)
    async with aclosing(rehearsed(prepared, site, link, {})) as events:
        async for event in events:
            yield event


async def rehearsed(prepared: Plan, site: Site, link: Link, digests: Mapping[str, str]) -> AsyncGenerator[Event, None]:
    """JobResolved twice: as this machine alone knows it, then with what the VM has, or why that was not asked."""
    known = preview.record(prepared, site)
    yield known
    yield _phase(f"Asking {site.vm_name} what it has already")
    yield await preview.compared(known, prepared, site, link, digests)
