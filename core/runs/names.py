"""Which run is meant: a ULID, a unique prefix of one, or `@latest`."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import RunUnknown, UsageError
from ..jobs import ulid

LATEST = "@latest"


def resolve(wanted: str, known: Sequence[str]) -> str:
    """The one ULID of `known`. Raises RunUnknown for none or several, UsageError for what is no name at all."""
    name = wanted.strip().upper()
    if wanted.strip().lower() == LATEST:
        if not known:
            raise RunUnknown("there is no run yet", hint="trainshed run JOB.yml")
        return max(known)
    if not name or len(name) > ulid.LENGTH or any(letter not in ulid.ALPHABET for letter in name):
        raise UsageError(f"{wanted!r} does not name a run", hint="a run's ULID, the beginning of one, or @latest")
    found = sorted(run for run in known if run.startswith(name))
    if not found:
        raise RunUnknown(f"there is no run {name}", hint="trainshed runs lists them")
    if len(found) > 1:
        shown = ", ".join(found[:3]) + (" …" if len(found) > 3 else "")
        raise RunUnknown(f"{len(found)} runs begin with {name}: {shown}", hint="give more of it")
    return found[0]


def checked(run: str | None) -> str:
    """A ULID that somebody made earlier, or a new one. Raises UsageError."""
    if run is None:
        return ulid.new()
    if not ulid.valid(run.upper()):
        raise UsageError(f"{run!r} is not a run's id", hint="a ULID: 26 letters and digits")
    return run.upper()


def whole(name: str) -> bool:
    """Whether the name is a ULID: then there is nothing to look up."""
    return ulid.valid(name.strip().upper())
