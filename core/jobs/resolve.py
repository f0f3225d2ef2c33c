"""A job on a site: what it needs there, and the record that the agent runs.

In the command and in variables `${{inputs.NAME}}` becomes a literal's text or the path of the data,
`${{outputs.NAME}}` the path of a folder of the run. Text goes in raw, as Azure ML does it: the shell sees
what the value holds, so quote in the command what may hold spaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import JobError
from ..site.files import Site
from . import data_paths, offline, placeholders
from .data_paths import Needed
from .records import DataInput, Job, LiteralInput

OUTPUTS = "/job/outputs"
TRACKING_URI = "http://127.0.0.1:5000"


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    experiment: str
    command: str
    env: dict[str, str]
    tags: dict[str, str]
    params: dict[str, str]
    inputs: dict[str, Needed]
    outputs: dict[str, str]  # name -> type
    timeout_s: int | None
    notes: list[str]
    warnings: list[str]  # what may make the run fail

    @property
    def data(self) -> dict[str, Needed]:
        """Of the site's container."""
        return {name: need for name, need in self.inputs.items() if not need.local}

    @property
    def local(self) -> dict[str, Needed]:
        """Of this machine."""
        return {name: need for name, need in self.inputs.items() if need.local}


def resolve(job: Job, site: Site) -> Resolved:
    """Raises JobError. No secret and nothing of the VM's state is needed for it."""
    inputs = _inputs(job, site)
    values = _values(job, inputs)
    tags = dict(job.tags)
    for key, text in (("trainshed.job_name", job.name), ("mlflow.note.content", job.description)):
        if text:
            tags.setdefault(key, text)
    return Resolved(
        name=job.display_name or job.name or job.file.stem,
        experiment=job.experiment_name or job.file.absolute().parent.name or "trainshed",
        command=placeholders.filled(job.command, lambda expression: values[expression]),
        env={
            name: placeholders.filled(text, lambda expression: values[expression])
            for name, text in job.environment_variables.items()
        },
        tags=tags,
        params={
            name: str(declared.value) for name, declared in job.inputs.items() if isinstance(declared, LiteralInput)
        },
        inputs=inputs,
        outputs={name: output.type for name, output in job.outputs.items()},
        timeout_s=job.timeout_s,
        notes=[*job.notes, *_notes(job, site)],
        warnings=offline.notes(job),
    )


def _inputs(job: Job, site: Site) -> dict[str, Needed]:
    """Raises JobError that names all that cannot be had: whoever brings a file maps them at once."""
    found, refused = dict[str, Needed](), list[JobError]()
    for name, declared in job.inputs.items():
        if isinstance(declared, DataInput):
            try:
                found[name] = data_paths.needed(name, declared, site)
            except JobError as error:
                refused.append(error)
    if len(refused) == 1:
        raise refused[0]
    if refused:
        hints = dict.fromkeys(each.hint for each in refused if each.hint)
        raise JobError("; ".join(each.title for each in refused), hint="; ".join(hints))
    return found


def _values(job: Job, inputs: Mapping[str, Needed]) -> dict[str, str]:
    values = {f"outputs.{name}": f"{OUTPUTS}/{name}" for name in job.outputs}
    for name, declared in job.inputs.items():
        values[f"inputs.{name}"] = str(declared.value) if isinstance(declared, LiteralInput) else inputs[name].inside
    return values


def _notes(job: Job, site: Site) -> list[str]:
    notes = []
    if job.compute and job.compute != site.vm_name:
        if job.compute in site.file.vms:
            raise JobError(
                f"{job.compute_where}: compute: {job.compute} is another VM of site {site.name}",
                hint=f"this is {site.vm_name}; make {job.compute} the default_vm in {site.path}",
            )
        notes.append(f"{job.compute_where}: compute: site {site.name} has no {job.compute}: runs on {site.vm_name}")
    taken = sorted(set(job.environment_variables) & set(_own_variables("", "")))
    notes += [f"environment_variables.{name}: set by trainshed, the job's value is not used" for name in taken]
    return notes


def _own_variables(run: str, experiment: str) -> dict[str, str]:
    """What leads MLflow in the sandbox to the agent. A job cannot set these."""
    return {
        "MLFLOW_TRACKING_URI": TRACKING_URI,
        "MLFLOW_RUN_ID": run,
        "MLFLOW_EXPERIMENT_NAME": experiment,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # that address is the sandbox's own
        "DO_NOT_TRACK": "true",
        "GIT_PYTHON_REFRESH": "quiet",
    }


def record(
    resolved: Resolved,
    *,
    run: str,
    snapshot: str | None,
    environment: str | None,
    digests: Mapping[str, str],
    sent: Mapping[str, str],
    created: float,
    owner: str,
    source: Mapping[str, Any],
    parent: str | None = None,
    resume: str | None = None,
) -> dict[str, Any]:
    """The job as the agent takes it. `digests`: path in the container -> digest of what was staged;
    `sent`: name of a local input -> digest of its snapshot.

    `source` goes along: what another run of it starts from.
    """
    return {
        "run": run,
        "name": resolved.name,
        "experiment": resolved.experiment,
        "command": resolved.command,
        "snapshot": snapshot,
        "environment": environment,
        "inputs": {
            name: {
                "digest": sent[name] if need.local else digests[need.path],
                "local": need.local,
                "path": need.file,
                "kind": need.kind,
                "from": need.path,
            }
            for name, need in resolved.inputs.items()
        },
        "outputs": resolved.outputs,
        "env": {**resolved.env, **_own_variables(run, resolved.experiment)},
        "tags": resolved.tags,
        "params": resolved.params,
        "timeout_s": resolved.timeout_s,
        "parent": parent,
        "resume": resume,
        "source": source,
        "created": created,
        "owner": owner,
    }
