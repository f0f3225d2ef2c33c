"""A resolved job as rows to read: the same for the command line and the screen, warnings first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from core.errors import JobChanged
from core.events import JobResolved, ResolvedEnvironment, ResolvedInput, RunLimits, StagedData, Travel

from . import words
from .text import stripped

Kind = Literal["warning", "careful", "main", "plain", "more", "note"]  # careful: a row of the plan to look at twice
LISTED = 4  # files of a folder, packages of an environment: the rest is counted
SHOWN = 12  # characters of a digest


@dataclass(frozen=True)
class Row:
    """`label` is empty where the row goes on with what is above it."""

    label: str
    text: str
    kind: Kind = "plain"


def rows(
    record: JobResolved, *, listed: int = LISTED, hidden: Collection[str] = (), unlike: Sequence[Row] = ()
) -> list[Row]:
    """`listed`: how many files and packages are named one by one. `hidden`: inputs told elsewhere.

    `unlike`: `differences`.
    """
    told = [each for each in record.inputs if each.name not in hidden]
    stays = f"stays in the run's folder on {record.vm}"
    return [
        *(Row("", text, "warning") for text in record.warnings),
        *_not_asked(record),
        *_run(record),
        *unlike,
        *_labelled("input", [row for each in told for row in _input(each, record)]),
        *_travels(record, listed),
        *_environment(record.environment, listed),
        Row("sandbox", f"{words.ENGINES.get(record.engine, 'docker or bwrap: only the VM knows')}; no network"),
        Row("limits", _limits(record.limits)),
        *_labelled("output", [Row("", f"{each.name}  {each.type}, {stays}") for each in record.outputs]),
        *_labelled("variable", [Row("", f"{name}={value}", "more") for name, value in record.variables.items()]),
        *_labelled("tag", [Row("", f"{name}={value}", "more") for name, value in record.tags.items()]),
        *(Row("", text, "note") for text in record.notes),
    ]


def _labelled(label: str, lines: list[Row]) -> list[Row]:
    """The first one has the label."""
    return [replace(row, label="" if at else label) for at, row in enumerate(lines)]


def changes(record: JobResolved) -> list[tuple[str, str, str]]:
    """(input, what the job file or the run had, what it is now)."""
    return [(each.name, each.was, each.value or each.path) for each in record.inputs if each.was is not None]


def differences(before: JobResolved, after: JobResolved, code: str) -> list[Row]:
    """How `after`, of a run, differs from the job file that was looked at before. `code`: the run's code digest."""
    had, has = _values(before), _values(after)
    found = [f"{name}: {had[name]} → {has[name]}" for name in has if name in had and had[name] != has[name]]
    found += [f"no input {name}" for name in had if name not in has]
    found += [f"input {name}: {has[name]}" for name in has if name not in had]
    packages, now = set(before.environment.packages), set(after.environment.packages)
    if packages != now:
        only = [*(f"+{each}" for each in sorted(now - packages)), *(f"-{each}" for each in sorted(packages - now))]
        more = f" and {len(only) - LISTED} more" if len(only) > LISTED else ""
        found.append(f"packages: {' '.join(only[:LISTED])}{more}")
    sent = next((each.digest for each in before.travels if each.what == "code"), "")
    if sent and code and sent != code:
        found.append(f"code: the run's ({code[:SHOWN]}) is not what the folder has now ({sent[:SHOWN]})")
    if not found:
        found = [f"the same as {before.job}"]
    return _labelled("vs job file", [Row("", text) for text in found])


def changed(error: JobChanged) -> list[str]:
    """What is not as it was looked at, each as `WHAT: how`."""
    told = error.facts.get("changed")
    found = [stripped(each) for each in told if isinstance(each, str)] if isinstance(told, list) else []
    return found or [error.title]


def since(changes: Sequence[str]) -> list[Row]:
    """`changed` since the look before this one."""
    return [Row("", f"changed since you looked: {each}", "warning") for each in changes]


def staged(record: JobResolved, data: StagedData) -> JobResolved:
    """The record once the VM has read `data` of the container."""
    now = {"files": data.files, "bytes": data.bytes, "digest": data.digest, "staged": data.staged}
    inputs = [
        msgspec.structs.replace(each, **now) if (each.source, each.path) == ("site", data.path) else each
        for each in record.inputs
    ]
    return msgspec.structs.replace(record, inputs=inputs)


def launched(record: JobResolved) -> JobResolved:
    """The record once its run was made. What was sent stays said as sent."""
    return msgspec.structs.replace(record, environment=msgspec.structs.replace(record.environment, built=True))


def _values(record: JobResolved) -> dict[str, str]:
    return {each.name: each.value or each.path for each in record.inputs}


def _not_asked(record: JobResolved) -> Iterator[Row]:
    if record.not_asked:
        text = f"{record.vm} was not asked what it has already: {record.not_asked}"
        yield Row("", text, "warning")


def _run(record: JobResolved) -> Iterator[Row]:
    yield Row("command", record.command, "main")
    yield Row("run", f"{record.name} in experiment {record.experiment} on {record.vm}")
    if record.rerun:
        resumed = ", beginning with its outputs/checkpoints" if record.resume else ""
        yield Row("starts from", f"run {record.job}{resumed}")
    for name, was, now in changes(record):
        yield Row("changed", f"{name}: {was} → {now}")


def _input(each: ResolvedInput, record: JobResolved) -> Iterator[Row]:
    if each.source == "literal":
        text = f"{each.value}  ({each.type})"
    elif each.source == "site":
        text = f"{each.path or 'all'} of the site's container → {each.inside}"
    elif each.files is None:
        text = f"{each.path}, sent with the earlier run: {record.vm} has it"
    else:
        text = f"{each.path} of this machine, {_amount(each.files, each.bytes)} → {each.inside}"
    yield Row("", f"{each.name}  {text}")
    if each.source == "site":
        yield Row("", f"  {_staged(each, record)}", "more")


def _staged(each: ResolvedInput, record: JobResolved) -> str:
    if each.digest and each.staged is not None:
        when = words.clock(each.staged, "%Y-%m-%d %H:%M")
        return f"staged {when}: {_amount(each.files, each.bytes)}, sha256 {each.digest[:SHOWN]}"
    return f"not staged on {record.vm} yet: the launch does it" if record.asked else "staged or not: not known yet"


def _environment(wanted: ResolvedEnvironment, listed: int) -> Iterator[Row]:
    packages = f" with {words.plural(len(wanted.packages), 'package')}" if wanted.packages else ""
    what = {
        "venv": wanted.what,
        "conda": f"conda of {wanted.what}",
        "image": f"image {wanted.what}",
        "context": f"image built from {wanted.what}",
    }[wanted.kind]
    there = {
        True: f"built already ({wanted.hash[:SHOWN]})" if wanted.hash else "built",
        False: "has to be built",
        None: "built or not: not known yet",
    }
    yield Row("environment", f"{what}{packages}: {there[wanted.built]}")
    if wanted.note:
        yield Row("", wanted.note, "more")
    yield from _some(wanted.packages, listed, "package")


def _limits(limits: RunLimits) -> str:
    turns = "no limit of runs at once" if limits.slots is None else f"{words.plural(limits.slots, 'run')} at once"
    memory = "what the VM can spare" if limits.memory_bytes is None else words.memory(limits.memory_bytes)
    return "; ".join(
        [
            "no time limit" if limits.timeout_s is None else f"ends after {words.duration(limits.timeout_s)}",
            turns,
            f"memory: {memory}, {words.memory(limits.tmp_bytes)} of it each for /tmp, /dev/shm and HOME",
            f"GPUs: {limits.gpus or 'all there are'}",
            f"log: {words.memory(limits.log_bytes)} at most",
        ]
    )


def _travels(record: JobResolved, listed: int) -> Iterator[Row]:
    code = {"kept": f"the earlier run's: {record.vm} has it", "none": "none"}.get(record.code)
    if code:
        yield Row("code", code)
    label = "leaves here"
    for each in record.travels:
        yield Row(label, _travel(each, record), "careful" if each.outside else "plain")
        if len(each.files) > 1:
            yield from _some([_file(file.path, file.bytes, file.link) for file in each.files], listed, "file")
        label = ""
    if record.environment.fetched_here and not record.environment.built:
        yield Row(label, "the environment's packages, fetched by this machine, if they are not there")
        label = ""
    yield Row(label, f"the job's own text, to {record.vm}")
    if any(each.source == "site" for each in record.inputs):
        yield Row(
            "stays there", f"the site's data: {record.vm} reads it from the container. What the job prints comes here"
        )


def _travel(each: Travel, record: JobResolved) -> str:
    there = {True: f", which {record.vm} has already: not sent again", False: f", sent to {record.vm}", None: ""}
    rules = f", without what {each.ignore_file} lists" if each.ignore_file else ""
    outside = ", outside of the job file's folder" if each.outside else ""
    amount = f"{_amount(len(each.files), each.bytes)} of {each.place}{outside}{rules}"
    return f"{each.what}: {amount}{there[each.there]} (sha256 {each.digest[:SHOWN]})"


def _file(path: str, size: int, link: str | None) -> str:
    return f"  {path} → {link}" if link is not None else f"  {path} ({words.size(size)})"


def _some(lines: list[str], listed: int, thing: str) -> Iterator[Row]:
    """One more is named rather than counted."""
    cut = listed if len(lines) > listed + 1 else len(lines)
    for line in lines[:cut]:
        yield Row("", line if line.startswith("  ") else f"  {line}", "more")
    if lines[cut:]:
        yield Row("", f"  and {words.plural(len(lines) - cut, f'more {thing}')}", "more")


def _amount(files: int | None, size: int | None) -> str:
    return f"{words.plural(files or 0, 'file')}, {words.size(size or 0)}"
