"""What a launch needs before anything on the VM is touched: every local error is found here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..agent import sources
from ..agent.faults import Fault
from ..environments import spec
from ..errors import JobError
from ..jobs import load, manifest, resolve, settings, snapshot
from ..jobs.data_paths import Needed
from ..jobs.manifest import Manifest
from ..jobs.records import Job
from ..jobs.resolve import Resolved
from ..jobs.snapshot import Snapshot
from ..site.files import Site
from . import outgoing
from .outgoing import Outgoing


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    job: Job
    resolved: Resolved
    snapshot: Snapshot | None  # of the code, where the job has any
    environment: spec.Spec
    context: Snapshot | None = None  # of the environment's Docker build context
    inputs: dict[str, Snapshot] = {}  # of the data inputs that are on this machine, by name
    kept: str | None = None  # the digest of a snapshot that the VM has from an earlier run
    kept_inputs: dict[str, str] = {}  # the same of inputs, by name
    parent: str | None = None  # the run that this one is another of
    resume: str | None = None  # the run whose checkpoints it starts with
    was: dict[str, str] = {}  # name of an input that a setting changed -> what was there
    more_notes: list[str] = []

    @property
    def code(self) -> Manifest | None:
        return self.snapshot.manifest if self.snapshot else None

    @property
    def digest(self) -> str | None:
        return self.snapshot.digest if self.snapshot else self.kept

    @property
    def input_digests(self) -> dict[str, str]:
        return {**self.kept_inputs, **{name: taken.digest for name, taken in self.inputs.items()}}

    @property
    def outgoing(self) -> list[Outgoing]:
        """In the order in which it is sent."""
        needs = self.resolved.inputs
        inputs = [outgoing.local_input(self.job, name, needs[name], taken) for name, taken in self.inputs.items()]
        return [*self._folder(outgoing.CODE, self.snapshot), *self.outgoing_context, *inputs]

    @property
    def outgoing_context(self) -> list[Outgoing]:
        return self._folder(outgoing.CONTEXT, self.context)

    def _folder(self, what: str, taken: Snapshot | None) -> list[Outgoing]:
        return [outgoing.folder(self.job, what, taken)] if taken else []

    @property
    def warnings(self) -> list[str]:
        """What may make the run fail, and what is sent from where nobody may expect it."""
        sent = outgoing.notes(self.job, self.outgoing, again=self.parent is not None)
        return [*sent, *self.resolved.warnings]

    @property
    def notes(self) -> list[str]:
        return [*self.resolved.notes, *self.environment.notes, *self.more_notes]


def make(path: Path, values: Mapping[str, str], site: Site) -> Plan:
    """Raises JobError, UsageError and the errors of an environment. Blocks."""
    written = load.load(path)
    job = settings.applied(written, values)
    resolved = resolve.resolve(job, site)
    check_sources(str(path), resolved)
    environment = spec.of(job.environment, site)
    taken = snapshot.taken(manifest.manifest(job.code, job.code_where)) if job.code is not None else None
    context = None
    if environment.context:
        context = snapshot.taken(manifest.manifest(Path(environment.context), job.environment.where))
        environment = msgspec.structs.replace(environment, context_digest=context.digest)
    inputs = {name: local_input(job, name, need) for name, need in resolved.local.items()}
    return Plan(
        job=job,
        resolved=resolved,
        snapshot=taken,
        environment=environment,
        context=context,
        inputs=inputs,
        was=settings.changed(written, job),
    )


def local_input(job: Job, name: str, need: Needed) -> Snapshot:
    """Raises JobError for one that is not there, or not what its type says. Blocks."""
    path, where = Path(need.path), f"{job.inputs[name].where}: inputs.{name}"
    if not path.exists():
        raise JobError(
            f"{where}: there is no {path}, and [data.aliases] of the site does not name it either",
            hint="a path begins in the job file's folder, one of --set where you are; "
            "data of the site: azureml://datastores/site/paths/…",
        )
    if path.is_dir() != (need.kind == "uri_folder"):
        raise JobError(f"{where}: {path} is a {'folder' if path.is_dir() else 'file'}, and the type says otherwise")
    taken = manifest.manifest(path, where, manifest.DATA_ADVICE) if path.is_dir() else manifest.of_file(path, where)
    return snapshot.taken(taken)


def check_sources(where: str, resolved: Resolved) -> None:
    """By the agent's own rule, before anything is sent."""
    try:
        sources.asked({"tags": resolved.tags})
    except Fault as fault:
        raise JobError(f"{where}: {fault.title}", hint=fault.hint) from None
