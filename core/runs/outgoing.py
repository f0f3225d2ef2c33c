"""What of this machine a launch sends, and from where: folders of code and of a build context, data inputs."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ..jobs.data_paths import Needed
from ..jobs.records import DataInput, Job
from ..jobs.snapshot import Snapshot

CODE = "code"
CONTEXT = "Docker build context"


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    what: str  # "code", "input rows"
    shown: str  # its path on one line, as the job file has it or relative to that file's folder
    place: Path  # absolute, links followed
    taken: Snapshot


def folder(job: Job, what: str, taken: Snapshot) -> Outgoing:
    place = Path(taken.manifest.folder)
    return Outgoing(what=what, shown=_line(os.path.relpath(place, _beside(job))), place=place, taken=taken)


def local_input(job: Job, name: str, need: Needed, taken: Snapshot) -> Outgoing:
    declared = job.inputs[name]
    shown = declared.path if isinstance(declared, DataInput) else need.path
    return Outgoing(what=f"input {name}", shown=_line(shown), place=Path(need.path).resolve(), taken=taken)


def notes(job: Job, outgoing: list[Outgoing], *, again: bool) -> list[str]:
    """What is outside of the job file's folder; `again`: the job file is not at hand, and each is said."""
    where = "" if again else f", which is outside of the job file's folder {_beside(job)}"
    said = [each for each in outgoing if again or outside(job, each)]
    return [f"{each.what}: what is sent is {_line(str(each.place))} of this machine{where}" for each in said]


def outside(job: Job, each: Outgoing) -> bool:
    """Whether it lies outside of the job file's folder."""
    return not each.place.is_relative_to(_beside(job))


def _line(path: str) -> str:
    """A path can have ends of lines in it, and would be read as two messages."""
    return path if path.isprintable() else ascii(path)


def _beside(job: Job) -> Path:
    return job.file.absolute().parent.resolve()
