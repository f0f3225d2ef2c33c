"""A launch is bound to the look before it: what differs by then is named, and nothing is sent or started."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

import msgspec

from ..amounts import plural, size
from ..errors import JobChanged
from ..events import JobResolved, StagedData, Travel
from ..site.files import Site
from .plan import Plan

NAMED = 4  # files of a folder, packages: the rest is counted
LONGEST = 200  # characters of a value that was there before
KEPT = 8  # looks that a launch may still be bound to


def digest(prepared: Plan, site: Site) -> str:
    """sha256 of all that this machine decides of a run. What is only said of it, or where, is not part of it."""
    decided = {
        "site": [site.name, site.vm_name, site.vm.sandbox, site.vm.slots, site.vm.packages],
        "job": msgspec.structs.replace(prepared.resolved, notes=[], warnings=[]),
        "environment": msgspec.structs.replace(prepared.environment, notes=[]),
        "code": prepared.digest,
        "inputs": prepared.input_digests,
        "from": [prepared.parent, prepared.resume],
    }
    text = json.dumps(msgspec.to_builtins(decided, enc_hook=str), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Looks:
    """What was shown lately, by its digest: with it a launch can say what changed since."""

    def __init__(self) -> None:
        self._shown: dict[str, JobResolved] = {}

    def keep(self, record: JobResolved) -> None:
        self._shown.pop(record.digest, None)
        self._shown[record.digest] = record
        for old in [*self._shown][:-KEPT]:
            del self._shown[old]

    def bound(self, seen: str) -> Bound:
        """`seen`: the digest of what a person looked at; "" for a launch that nobody looked at."""
        return Bound(seen, self._shown.get(seen))


class Bound:
    """Each raises JobChanged where a launch would be of something else than what was looked at."""

    def __init__(self, seen: str = "", then: JobResolved | None = None) -> None:
        self._seen = seen
        self._then = then

    def to_record(self, now: JobResolved) -> None:
        """What this machine decides."""
        if self._seen and now.digest != self._seen:
            raise _changed(changes(self._then, now) if self._then else [])

    def to_data(self, data: StagedData) -> None:
        """What the VM has read of the site's container, where the look said which."""
        if self._then is None or not self._seen:
            return
        for each in self._then.inputs:
            if each.source == "site" and each.path == data.path and each.digest not in ("", data.digest):
                was = f"{plural(each.files or 0, 'file')}, {size(each.bytes or 0)}"
                now = f"{plural(data.files, 'file')}, {size(data.bytes)}"
                raise _changed([f"data {data.path or 'of the whole container'}: was {was}, is {now}"])

    def to_engine(self, engine: str) -> None:
        """One of them is the weaker one."""
        if self._seen and self._then is not None and self._then.engine not in ("", engine):
            raise _changed([f"sandbox: was {self._then.engine}, is {engine}"])


def _changed(found: list[str]) -> JobChanged:
    what = ", ".join(dict.fromkeys(each.partition(":")[0] for each in found))
    title = "what would run changed since you looked" + (f": {what}" if what else "")
    return JobChanged(title, hint="nothing was started: look again, then launch what is shown", changed=found)


def changes(then: JobResolved, now: JobResolved) -> list[str]:
    """What of `now` differs from `then`, each as `WHAT: how`; never empty, for the digests differ."""
    found = [*_texts(then, now), *_mappings(then, now), *_environment(then, now), *_travels(then, now)]
    if then.limits != now.limits:
        found.append("limits: others than before")
    return found or ["job: something that is not shown"]


def _texts(then: JobResolved, now: JobResolved) -> Iterator[str]:
    for what in ("site", "vm", "name", "experiment", "command"):
        was = getattr(then, what)
        if was != getattr(now, what):
            yield f"{what}: was {_short(was)}"


def _mappings(then: JobResolved, now: JobResolved) -> Iterator[str]:
    yield from _differ("input", _inputs(then), _inputs(now))
    yield from _differ("output", _outputs(then), _outputs(now))
    yield from _differ("variable", then.variables, now.variables)
    yield from _differ("tag", then.tags, now.tags)


def _inputs(record: JobResolved) -> dict[str, str]:
    """A literal by its value, data by where it is and what it is taken for."""
    return {each.name: each.value or f"{each.path} as {each.type}" for each in record.inputs}


def _outputs(record: JobResolved) -> dict[str, str]:
    return {each.name: each.type for each in record.outputs}


def _differ(what: str, then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in {**then, **now}:
        if name not in then:
            yield f"{what} {name}: was not there"
        elif name not in now:
            yield f"{what} {name}: is gone, was {_short(then[name])}"
        elif then[name] != now[name]:
            yield f"{what} {name}: was {_short(then[name])}"


def _environment(then: JobResolved, now: JobResolved) -> Iterator[str]:
    had, has = then.environment, now.environment
    if (had.kind, had.what) != (has.kind, has.what):
        yield f"environment: was {had.kind} {_short(had.what)}"
    only = [*(f"+{each}" for each in has.packages if each not in had.packages)]
    only += [f"-{each}" for each in had.packages if each not in has.packages]
    if only:
        yield f"packages: {_some(only)}"


def _travels(then: JobResolved, now: JobResolved) -> Iterator[str]:
    had, has = ({each.what: each for each in record.travels} for record in (then, now))
    for what in {**had, **has}:
        if what not in had:
            yield f"{what}: was not sent"
        elif what not in has:
            yield f"{what}: is not sent any more"
        elif had[what].digest != has[what].digest:
            yield f"{what}: {_files(had[what], has[what])}"


def _files(had: Travel, has: Travel) -> str:
    """Which files, as far as names and sizes tell."""
    before, after = ({each.path: (each.bytes, each.link) for each in sent.files} for sent in (had, has))
    found = [f"+{path}" for path in after if path not in before]
    found += [f"-{path}" for path in before if path not in after]
    found += [f"{path} has another size" for path in after if path in before and after[path] != before[path]]
    return _some(found) if found else "other content, of the same size"


def _some(found: list[str]) -> str:
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return " ".join(found[:NAMED]) + more if more else ", ".join(found)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} …"
