"""Keys of a command job that mean nothing on one VM, and those that would mean something else there.

The first kind is taken with a note, so that the file runs unchanged; the second is an error.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import JobError
from .document import Node

# What Azure ML writes itself (`az ml job show`), and takes without using it.
WRITTEN_BY_AZURE = ("id", "status", "log_files", "creation_context", "parameters", "resource_group", "resourceGroup")

_SPLIT = "{name} would run on several machines or processes; a run here is one process on one VM"


def _identity(node: Node) -> str:
    node.mapping()
    return "not applicable: nothing in the sandbox signs in to Azure"


def _services(node: Node) -> str:
    node.mapping()
    return "not applicable: nothing can connect into the sandbox"


def _queue(node: Node) -> str:
    node.fields(("job_tier", "priority"))
    return "not applicable: a VM has no tiers"


def _parent(node: Node) -> str:
    node.text()
    return "not used: the run has no parent here"


def _distribution(node: Node) -> str:
    fields = node.fields(
        ("type", "process_count_per_instance", "parameter_server_count", "worker_count", "port", "address",
         "include_dashboard", "head_node_additional_args", "worker_node_additional_args")
    )  # fmt: skip
    kind = fields.get("type")
    if kind is None:
        raise node.error("has no type (pytorch, tensorflow, mpi or ray)")
    counts = [fields[name] for name in fields if name.endswith(("count", "count_per_instance"))]
    for count in counts:
        if _whole(count) > 1:
            raise count.error(_SPLIT.format(name=kind.text()), "take distribution out to run the job as one process")
    return "not applicable: one process on one VM"


def _resources(node: Node) -> str:
    fields = node.fields(
        ("instance_count", "max_instance_count", "instance_type", "shm_size", "docker_args", "locations", "properties")
    )
    count = fields.get("instance_count")
    if count is not None and _whole(count) > 1:
        raise count.error(_SPLIT.format(name=f"instance_count {count.value}"), "a run has one VM: make it 1")
    sizes = [name for name in fields if name not in ("instance_count", "docker_args")]
    said = [f"{', '.join(sizes)} not used: the VM is as large as it is"] if sizes else []
    if "docker_args" in fields:
        said.append("docker_args not used: a sandbox has what its policy gives it")
    return "; ".join(said)


def _whole(node: Node) -> int:
    if isinstance(node.value, bool) or not isinstance(node.value, int):
        raise node.error(f"has to be a whole number, not {node.kind}")
    return node.value


_JUDGES: dict[str, Callable[[Node], str]] = {
    "identity": _identity,
    "services": _services,
    "queue_settings": _queue,
    "parent_job_name": _parent,
    "distribution": _distribution,
    "resources": _resources,
}
KEYS = (*_JUDGES, *WRITTEN_BY_AZURE)


def notes(fields: dict[str, Node]) -> list[str]:
    """What to tell the person. Raises JobError for what would silently be another job."""
    found = []
    for name, node in fields.items():
        judge = _JUDGES.get(name)
        said = judge(node) if judge is not None else ""
        if said:
            found.append(f"{node.file}:{node.line}: {name}: {said}")
        elif name in WRITTEN_BY_AZURE:
            found.append(f"{node.file}:{node.line}: {name}: not used: Azure ML writes it, nobody reads it")
    return found


def refused(kind: Node) -> JobError:
    """`type:` of a job that is not a command job."""
    later = kind.value in ("sweep", "pipeline")
    text = f"{kind.value} jobs are not done yet; only command jobs are" if later else "only command jobs are done here"
    return kind.error(text if later else f"{kind.value!r}: {text}", "type: command, or no type at all")
