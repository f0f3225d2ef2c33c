"""A job file: its command, its environment, its inputs, and the text itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from .. import data_paths, document, load
from ..records import DataInput, Job
from . import packages, words
from .found import Found, shown
from .reaching import WEB

_PLACEHOLDER = re.compile(r"\$\{\{[^}]*\}\}")
_SCRIPT = re.compile(
    r"\b(?:python[0-9.]*|torchrun|accelerate launch|deepspeed)\s+(?:-[\w-]+(?:[= ]\d+)?\s+)*([\w./-]+)"
)
_KEYS = frozenset(("command", "environment", "jobs", "trial", "compute", "experiment_name"))


def is_one(path: Path) -> bool:
    """YAML with a key that a job has, at its top. Raises JobError where it cannot be read."""
    top = document.read(path)
    return isinstance(top.value, dict) and not _KEYS.isdisjoint(top.value)


def scripts(job: Job) -> set[str]:
    """The files that its command gives to Python, whatever their names end with."""
    return {name.removeprefix("./") for name in _SCRIPT.findall(job.command)}


def sent_inputs(job: Job, aliases: dict[str, str]) -> Iterator[tuple[str, Path]]:
    """(name, path) of the data inputs that are on this machine, and travel."""
    for name, given in job.inputs.items():
        if isinstance(given, DataInput) and given.local and data_paths.mapped(given.path, aliases) is None:
            yield name, Path(given.local)


def requirements(job: Job, environments: dict[str, str]) -> tuple[str, str]:
    """(the file that lists its packages, its form): what the site has for its environment, or its conda file; or ""."""
    wanted = job.environment
    names = (f"{wanted.name}:{wanted.version}", f"{wanted.name}@{wanted.version}", wanted.name, wanted.image)
    mapped = next((environments[name] for name in names if name in environments), "")
    if mapped:
        return mapped, "requirements"
    return wanted.conda_source if Path(wanted.conda_source).is_file() else "", "yaml"


def of(path: Path, aliases: dict[str, str]) -> tuple[Job, list[Found]]:
    """`aliases`: those of the site's data: an address that has one is no address. Raises JobError."""
    job = load.load(path)
    text = path.read_text(encoding="utf-8-sig")
    return job, [*_of_command(job, text), *_of_inputs(job, aliases), *packages.of_conda(text)]


def _of_command(job: Job, text: str) -> Iterator[Found]:
    first = int(job.command_where.rpartition(":")[2])
    lines = text.split("\n")
    for found in words.of_text(_PLACEHOLDER.sub("x", job.command), 1):
        wanted = found.seen.split(" ")[0]  # YAML may have folded the lines: the first one from there on that says it
        places = (number for number in range(first, len(lines) + 1) if wanted in lines[number - 1])
        yield found._replace(line=next(places, first))


def _of_inputs(job: Job, aliases: dict[str, str]) -> Iterator[Found]:
    for name, given in job.inputs.items():
        if isinstance(given, DataInput) and WEB.match(given.path) and data_paths.mapped(given.path, aliases) is None:
            yield Found("download", int(given.where.rpartition(":")[2]), shown(f"inputs.{name} {given.path}"))
