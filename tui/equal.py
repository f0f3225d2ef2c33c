"""The command line that does the same as what was just done, on the same site."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Protocol


class Named(Protocol):
    """A site, or what a session says of its site."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> Path | None: ...


def equal_command(site: Named | None, *words: str) -> str:
    """`trainshed WORD…`, quoted for a shell, with the --site that leads to the same site from anywhere."""
    return shlex.join(("trainshed", *_option(site), *words))


def _option(site: Named | None) -> tuple[str, ...]:
    """Nothing for the site that is used without it; the file's path for one that is not known by its name."""
    from core.site import files

    if site is None or not site.name:
        return ()
    if site.path is None:  # a replay: the name is all that is known
        return ("--site", site.name)
    path = site.path.expanduser().absolute()
    known = site.name if path == files.path_of(site.name) else str(path)
    without = os.environ.get("TRAINSHED_SITE") or files.current()
    return () if without in (known, str(path)) else ("--site", known)
