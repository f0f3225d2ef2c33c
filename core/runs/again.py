"""Another run of a run: from its own snapshot and its own job, with other values, and where it is asked from its
checkpoints. What it needs is on the VM; the job file and the code folder may have gone.

What the VM tells of the run may be written by somebody else: it names no file of this machine, and no requirement that
this machine must not be asked for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec

from .. import threads
from ..environments import requirement_line
from ..environments.spec import Spec
from ..errors import RunError
from ..events import Event, Phase
from ..jobs import entries, resolve, settings
from ..jobs.data_paths import Needed
from ..jobs.records import Job
from ..jobs.resolve import Resolved
from ..site.files import Site
from ..ssh.agent import Agent, Link
from . import plan
from .bound import Bound
from .plan import Plan


def source(job: Job, environment: Spec) -> dict[str, Any]:
    """What `read` needs: the job as it was read, nothing filled in yet, and what its environment is built from."""
    made: dict[str, Any] = msgspec.to_builtins({"job": job, "environment": environment}, enc_hook=str)
    return made


def read(run: str, record: Mapping[str, Any]) -> tuple[Job, Spec]:
    """Raises RunError for a run that another version started."""
    try:
        kept = record["source"]
        job = msgspec.convert(kept["job"], Job, dec_hook=lambda _kind, value: Path(value))
        environment = msgspec.convert(kept["environment"], Spec)
    except (KeyError, TypeError, msgspec.ValidationError):
        title = f"run {run} was started by another version of trainshed: its job is not kept with it"
        raise RunError(title, hint="trainshed run with its job file") from None
    for line in filter(None, map(str.strip, environment.requirements.splitlines())):
        reason = requirement_line.refused(line)
        if reason:
            raise RunError(f"run {run}: requirements: {requirement_line.shown(line)}: {reason[0]}", hint=reason[1])
    odd = [name for name in (*job.inputs, *job.outputs) if not entries.NAME.fullmatch(name)]
    if odd:
        raise RunError(f"run {run}: its job has an input or output {odd[0]!r}, and no job file can have one")
    return job, environment


class Again:
    """`run`: the ULID of the run to start from."""

    def __init__(self, site: Site, link: Link, run: str) -> None:
        self._site = site
        self._link = link
        self._run = run

    async def events(
        self, values: Mapping[str, str], *, resume: bool, new: str | None, dry: bool, bound: Bound
    ) -> AsyncGenerator[Event, None]:
        """Ends after RunCreated, as a launch does; `dry`: after JobResolved.

        Raises what a launch raises, and RunError.
        """
        from .launch import STEP, Launch, rehearsed

        words = " --resume" * resume + " --dry-run" * dry
        yield Phase(step=STEP, title=f"Reading run {self._run}", command=f"trainshed rerun {self._run}{words}")
        agent = await self._link.agent()
        record = await agent.call("runs.job", run=self._run)
        written, environment = read(self._run, record)
        job = settings.applied(written, values)
        try:
            resolved = resolve.resolve(job, self._site)
        except KeyError as error:  # a job file with such a command is refused when it is read
            raise RunError(f"run {self._run}: its command names {error}, which it does not declare") from None
        plan.check_sources(job.command_where, resolved)
        launch = Launch(self._site, self._link, new, bound)
        launch.digests.update(await self._staged(agent, record, resolved))
        kept = _sent(record, resolved)
        new_inputs = {name: need for name, need in resolved.local.items() if name not in kept}
        _only_named(self._run, new_inputs, values)
        inputs = {name: await threads.call(plan.local_input, job, name, need) for name, need in new_inputs.items()}
        fresh = sorted({need.path for need in resolved.data.values()} - set(launch.digests))
        prepared = Plan(
            job=job,
            resolved=resolved,
            snapshot=None,
            environment=environment,
            inputs=inputs,
            kept_inputs=kept,
            kept=record.get("snapshot"),
            parent=self._run,
            resume=self._run if resume else None,
            was=settings.changed(written, job),
            more_notes=[
                f"data {path or 'the whole container'} is taken as it is now, not as run {self._run} had it"
                for path in fresh
            ],
        )
        steps = rehearsed(prepared, self._site, self._link, launch.digests) if dry else launch.carried_out(prepared)
        async with aclosing(steps) as events:
            async for event in events:
                yield event

    async def _staged(self, agent: Agent, record: Mapping[str, Any], resolved: Resolved) -> dict[str, str]:
        """path -> digest of the data that the run had and the VM still has."""
        here = {item["digest"] for item in (await agent.call("data.list"))["items"]} if resolved.data else set()
        had = record.get("inputs") or {}
        found = {}
        for name, need in resolved.data.items():
            given = had.get(name) or {}
            if given.get("from") == need.path and given.get("digest") in here:
                found[need.path] = given["digest"]
        return found


def _only_named(run: str, needs: Mapping[str, Needed], values: Mapping[str, str]) -> None:
    """Of this machine a run gets what a person names now. Raises RunError."""
    named = {key.removeprefix("inputs.").removesuffix(".path") for key in values if key.startswith("inputs.")}
    for name, need in needs.items():
        if name not in named:
            raise RunError(
                f"run {run}: input {name} would be {need.path} of this machine, which the VM was not sent for it",
                hint=f"--set inputs.{name}=PATH says which file or folder is sent",
            )


def _sent(record: Mapping[str, Any], resolved: Resolved) -> dict[str, str]:
    """name -> snapshot of the local inputs that are still the same path: the VM keeps what it was sent."""
    had = record.get("inputs") or {}
    before = {name: had.get(name) or {} for name in resolved.local}
    return {
        name: given["digest"]
        for name, given in before.items()
        if given.get("local") and given.get("from") == resolved.local[name].path
    }
