"""`trainshed site`: the site files that this client knows. Nothing here connects."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import group, pass_settings
from ..settings import Settings


@group("site")
def site() -> None:
    """Add, list, show, choose, validate or remove sites."""


@site.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@pass_settings
def add(settings: Settings, file: Path) -> None:
    """Copy a good site FILE among yours."""
    from core.site import files

    settings.refuse_if_read_only("site add")
    added = files.add(file)
    _answer(settings, {"name": added.name, "path": str(added.path)}, f"{added.name}  {added.path}")


@site.command("list")
@pass_settings
def list_(settings: Settings) -> None:
    """List the sites; the one in use has a star."""
    from core.site import files

    from ..text import table

    used = settings.site or files.current()
    known = [{"name": name, "path": str(files.path_of(name)), "current": name == used} for name in files.names()]
    rows = [("*" if row["current"] else " ", str(row["name"]), str(row["path"])) for row in known]
    output = settings.output()
    if settings.json:
        output.document({"sites": known})
    elif rows:
        output.lines(table((" ", "SITE", "FILE"), rows))
    else:
        output.note("no site is known yet: trainshed connect USER@HOST writes one, trainshed demo shows one")


@site.command("show")
@click.argument("name", required=False, metavar="[NAME_OR_FILE]")
@pass_settings
def show(settings: Settings, name: str | None) -> None:
    """Show every setting of a site, and where its value comes from."""
    from core.site import files

    from ..text import table

    found = files.find(name or settings.site)
    origins = files.origins(found)
    output = settings.output()
    if settings.json:
        values = [{"key": key, "value": value, "source": source} for key, value, source in origins]
        where = {"site": found.name, "path": str(found.path), "chosen_by": _chosen(settings, name)}
        output.document({**where, "values": values})
        return
    output.lines([f"{found.name}  {found.path}  (by {_chosen(settings, name)})", ""])
    output.lines(table(("KEY", "VALUE", "SOURCE"), [(key, _written(value), source) for key, value, source in origins]))


def _chosen(settings: Settings, name: str | None) -> str:
    import os

    if name:
        return "argument"
    if settings.site:
        return "TRAINSHED_SITE" if os.environ.get("TRAINSHED_SITE") == settings.site else "--site"
    return "site use, or the only one"


def _written(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@site.command("use")
@click.argument("name", metavar="NAME_OR_FILE")
@pass_settings
def use(settings: Settings, name: str) -> None:
    """Make a site the one in use."""
    from core.site import files

    settings.refuse_if_read_only("site use")
    files.use(name)
    found = files.find(name)
    _answer(settings, {"name": found.name, "path": str(found.path)}, f"{found.name}  {found.path}")


@site.command("validate")
@click.argument("file", required=False, metavar="[NAME_OR_FILE]")
@pass_settings
def validate(settings: Settings, file: str | None) -> int:
    """List every problem of a site file."""
    path = _path(file or settings.site)
    from core.site import files

    wrong = files.problems(path)
    output = settings.output()
    if settings.json:
        output.document({"path": str(path), "problems": wrong})
    else:
        output.lines(f"{path}: {problem}" for problem in wrong)
        output.note(f"{path}: {len(wrong)} wrong" if wrong else f"{path}: nothing is wrong")
    return 2 if wrong else 0


def _path(wanted: str | None) -> Path:
    """The file, also where it is too wrong to be loaded. Raises UsageError."""
    import os

    from core.errors import UsageError
    from core.site import files, paths

    chosen = wanted or files.current()
    if chosen is None:
        raise UsageError("no site is chosen", hint="trainshed site validate FILE")
    if chosen.endswith(".toml") or os.sep in chosen:
        return paths.expanded(chosen)
    if chosen not in files.names():
        known = ", ".join(files.names()) or "none yet"
        raise UsageError(f"there is no site {chosen!r}", hint=f"known sites: {known}; a path to a .toml works too")
    return files.path_of(chosen)


@site.command("remove")
@click.argument("name")
@pass_settings
def remove(settings: Settings, name: str) -> None:
    """Take a site's file away; what was recorded of the site stays."""
    from core.site import files

    settings.refuse_if_read_only("site remove")
    path = files.remove(name)
    _answer(settings, {"name": name, "path": str(path)}, f"removed {path}")


def _answer(settings: Settings, document: dict[str, str], text: str) -> None:
    output = settings.output()
    if settings.json:
        output.document(document)
    else:
        output.lines([text])
