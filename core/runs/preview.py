"""What a launch does, as one record, before it does it: from the job file alone, then with what the VM has already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..data import versions
from ..environments.spec import Spec
from ..errors import ConnectError, HostKeyChanged
from ..events import JobResolved, ResolvedEnvironment, ResolvedInput, ResolvedOutput, RunLimits, SentFile, Travel
from ..jobs.records import DataInput, LiteralInput
from ..jobs.resolve import OUTPUTS
from ..sandbox import policy
from ..site.files import Site
from ..ssh.agent import Agent, Link
from . import bound, outgoing
from .building import request
from .outgoing import Outgoing
from .plan import Plan

GPUS = "trainshed.gpus"  # the tag


def record(prepared: Plan, site: Site) -> JobResolved:
    """What is known on this machine alone."""
    job, resolved = prepared.job, prepared.resolved
    return JobResolved(
        digest=bound.digest(prepared, site),
        job=prepared.parent or str(job.file),
        rerun=prepared.parent is not None,
        resume=prepared.resume is not None,
        site=site.name,
        vm=site.vm_name,
        name=resolved.name,
        experiment=resolved.experiment,
        command=resolved.command,
        inputs=list(_inputs(prepared)),
        outputs=[ResolvedOutput(name=name, type=kind, inside=f"{OUTPUTS}/{name}") for name, kind in _outputs(prepared)],
        environment=_environment(prepared.environment, site),
        variables=resolved.env,
        tags=resolved.tags,
        limits=_limits(prepared, site),
        code="kept" if prepared.kept else "none" if prepared.snapshot is None else "sent",
        travels=[_travel(prepared, each) for each in prepared.outgoing],
        warnings=prepared.warnings,
        notes=prepared.notes,
    )


async def compared(known: JobResolved, prepared: Plan, site: Site, link: Link, had: Mapping[str, str]) -> JobResolved:
    """With what the VM has: nothing changes there, nothing is pulled. `had`: path -> digest of data that is settled.

    A VM that cannot be reached is no error: the record says why it was not asked. Raises HostKeyChanged, and what the
    agent answers: a launch would end so too.
    """
    try:
        return await _compared(await link.agent(), known, prepared, site, had)
    except HostKeyChanged:
        raise
    except ConnectError as error:
        return msgspec.structs.replace(known, not_asked=error.title)


async def _compared(
    agent: Agent, known: JobResolved, prepared: Plan, site: Site, had: Mapping[str, str]
) -> JobResolved:
    found = await agent.call("environments.find", **request(site, prepared.environment), look=True)
    items = (await agent.call("data.list"))["items"] if prepared.resolved.data else []
    there = [(await agent.call("snapshots.have", digest=each.digest))["have"] for each in known.travels]
    inputs = [
        _staged(each, items, had.get(each.path), site) if each.source == "site" else each for each in known.inputs
    ]
    environment = msgspec.structs.replace(
        known.environment, hash=found["hash"], built=found["built"], note=found["note"]
    )
    return msgspec.structs.replace(
        known,
        asked=True,
        engine=found["engine"],
        inputs=inputs,
        environment=environment,
        travels=[msgspec.structs.replace(each, there=have) for each, have in zip(known.travels, there, strict=True)],
    )


def _inputs(prepared: Plan) -> Iterator[ResolvedInput]:
    for name, declared in prepared.job.inputs.items():
        was = prepared.was.get(name)
        if isinstance(declared, LiteralInput):
            yield ResolvedInput(name=name, source="literal", type=declared.kind, value=str(declared.value), was=was)
        else:
            yield _data(prepared, name, declared, was)


def _data(prepared: Plan, name: str, declared: DataInput, was: str | None) -> ResolvedInput:
    need, taken = prepared.resolved.inputs[name], prepared.inputs.get(name)
    return ResolvedInput(
        name=name,
        source="local" if need.local else "site",
        type=declared.type,
        was=was,
        path=need.path,
        inside=need.inside,
        files=len(taken.manifest.entries) if taken else None,
        bytes=taken.manifest.bytes if taken else None,
        digest=prepared.input_digests.get(name, ""),
    )


def _staged(known: ResolvedInput, items: list[dict[str, Any]], digest: str | None, site: Site) -> ResolvedInput:
    """The newest of what was staged of its path: a launch looks whether it is still what the container has."""
    if digest:
        item = next((item for item in items if item["digest"] == digest), None)
    else:
        item = versions.newest(items, known.path, site)
    if item is None:
        return known
    return msgspec.structs.replace(
        known, files=item["files"], bytes=item["bytes"], digest=item["digest"], staged=item["staged"]
    )


def _outputs(prepared: Plan) -> list[tuple[str, str]]:
    return list(prepared.resolved.outputs.items())


def _travel(prepared: Plan, each: Outgoing) -> Travel:
    held = each.taken.manifest
    return Travel(
        what=each.what,
        place=str(each.place),
        files=[SentFile(path=entry.path, bytes=entry.size, link=entry.link) for entry in held.entries],
        bytes=held.bytes,
        digest=each.taken.digest,
        ignore_file=held.ignore_file,
        outside=prepared.parent is None and outgoing.outside(prepared.job, each),  # a run has no job file at hand
    )


def _environment(wanted: Spec, site: Site) -> ResolvedEnvironment:
    packages = [line.partition(" --hash=")[0].rstrip(" \\") for line in wanted.requirements.splitlines()]
    packages = [line for line in packages if line.strip() and not line.lstrip().startswith(("#", "--hash="))]
    fetched_here = site.vm.packages == "client" and bool(packages) and not wanted.conda and not wanted.context
    if wanted.context:
        what = str(Path(wanted.context) / wanted.dockerfile)
        return ResolvedEnvironment(kind="context", what=what, packages=packages)
    if wanted.conda:
        every = [*wanted.conda.dependencies, *packages]
        return ResolvedEnvironment(kind="conda", what=", ".join(wanted.conda.channels), packages=every)
    if wanted.image:
        return ResolvedEnvironment(kind="image", what=wanted.image, packages=packages, fetched_here=fetched_here)
    what = f"Python {wanted.python}" if wanted.python else "the VM's Python"
    return ResolvedEnvironment(kind="venv", what=what, packages=packages, fetched_here=fetched_here)


def _limits(prepared: Plan, site: Site) -> RunLimits:
    allowed = policy.for_job(data=bool(prepared.resolved.inputs), slots=site.vm.slots)
    return RunLimits(
        timeout_s=prepared.resolved.timeout_s,
        slots=site.vm.slots or None,
        gpus=prepared.resolved.tags.get(GPUS, ""),
        memory_bytes=allowed["memory_bytes"],
        tmp_bytes=allowed["tmp_bytes"],
        log_bytes=allowed["log_bytes"],
    )
