"""Site files: found, read, judged, and written only by `connect` (a new one, a pinned host key)."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from ..errors import SiteError, UsageError
from . import atomic, paths, schema
from . import problems as judged
from .lines import line_of


@dataclass(frozen=True)
class Site:
    """A site file that was read and found good, and the VM in use."""

    file: schema.SiteFile
    path: Path
    vm_name: str

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def vm(self) -> schema.VM:
        return self.file.vms[self.vm_name]

    @property
    def state(self) -> Path:
        """What the client keeps of this site; private, made when asked for."""
        return paths.make_private(paths.state(self.name))

    def resolve(self, relative: str) -> Path:
        """A path of the site file: `~` is home, a relative one is beside the file."""
        return self.path.parent / paths.expanded(relative)


def load(path: Path, vm: str | None = None) -> Site:
    """Raises SiteError that names the file and every key that is wrong."""
    raw = _parse(path)
    wrong = problems_of(raw, path)
    if wrong:
        raise SiteError(
            f"{path}: {wrong[0]}",
            hint="; ".join(wrong[1:]) or "the README shows a whole site file",
            problems=wrong,
        )
    file = msgspec.convert(raw, schema.SiteFile)
    return Site(file, path.absolute(), _choose_vm(file, path, vm))


def with_data_of_now(site: Site) -> Site:
    """With the `[data]` that its file has by now: somebody corrected it meanwhile. Raises SiteError. Blocks."""
    if not site.path.is_file():
        return site
    data = load(site.path).file.data
    return replace(site, file=msgspec.structs.replace(site.file, data=data))


def problems_of(raw: dict[str, Any], path: Path) -> list[str]:
    """Each `key: what`; with the line, for what is deep in tables of its own."""
    return [_placed(problem, path) for problem in judged.of(raw, path)]


def _placed(problem: str, path: Path) -> str:
    key = problem.partition(":")[0]
    line = line_of(path.read_text(encoding="utf-8"), key) if key.startswith("checks") else 0
    return f"{problem} (line {line})" if line else problem


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SiteError(f"there is no site file {path}", hint="trainshed connect USER@HOST writes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(f"{path} cannot be read: {_reason(error)}") from None
    except tomllib.TOMLDecodeError as error:
        raise SiteError(f"{path}: not TOML: {error}", hint="correct that line; nothing was changed") from None


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else "it is not UTF-8 text"


def problems(path: Path) -> list[str]:
    """Everything that is wrong with the file, each as `key: what`; empty when it is good."""
    return problems_of(_parse(path), path)


def _choose_vm(file: schema.SiteFile, path: Path, wanted: str | None) -> str:
    if wanted is not None and wanted not in file.vms:
        raise UsageError(f"site {file.name} has no VM {wanted!r}", hint=f"it has: {', '.join(file.vms)} ({path})")
    return wanted or file.default_vm or next(iter(file.vms))


def names() -> list[str]:
    """The sites of this client, by name."""
    folder = paths.sites()
    return sorted(path.stem for path in folder.glob("*.toml")) if folder.is_dir() else []


def path_of(name: str) -> Path:
    return paths.sites() / f"{name}.toml"


def current() -> str | None:
    """What `use` chose, else the only site, else None."""
    try:
        chosen = paths.current().read_text(encoding="utf-8").strip()
    except OSError:
        chosen = ""
    known = names()
    return chosen or (known[0] if len(known) == 1 else None)


def find(name_or_file: str | None = None, vm: str | None = None) -> Site:
    """The site of that name or file; None is the current one. Raises SiteError or UsageError."""
    wanted = name_or_file or current()
    if wanted is None:
        raise _no_site(names())
    if wanted.endswith(".toml") or os.sep in wanted:
        return load(paths.expanded(wanted), vm)
    if wanted not in names():
        known = ", ".join(names()) or "none yet"
        raise UsageError(f"there is no site {wanted!r}", hint=f"known sites: {known}; a path to a .toml works too")
    return load(path_of(wanted), vm)


def _no_site(known: list[str]) -> UsageError:
    if known:
        return UsageError(
            f"several sites are known and none is chosen: {', '.join(known)}", hint="trainshed site use NAME"
        )
    return UsageError("no site is known yet", hint="trainshed connect USER@HOST writes one; trainshed demo shows one")


def use(name: str) -> None:
    """Makes a site the current one."""
    find(name)
    atomic.write(paths.current(), (name if name in names() else str(Path(name).absolute())) + "\n")


def add(source: Path) -> Site:
    """Copies a good site file among ours; what it names relative to itself stays found."""
    site = load(source)
    target = path_of(site.name)
    if target.exists():
        raise UsageError(f"there is a site {site.name!r} already", hint=f"trainshed site remove {site.name}, or rename")
    import tomlkit

    document: Any = tomlkit.parse(source.read_text(encoding="utf-8"))
    _absolute(document, source.absolute().parent)
    atomic.write(target, tomlkit.dumps(document))
    return load(target)


def _absolute(document: Any, folder: Path) -> None:
    tables = [document.get("data", {}), *document.get("environments", {}).values(), *document.get("vms", {}).values()]
    for table in tables:
        for key in ("ca_bundle", "requirements", "identity"):
            value = table.get(key)
            if value and not value.startswith(("~", "/")):
                table[key] = str(folder / value)
        credential = table.get("credential", "")
        if credential.startswith("file:") and not credential[5:].startswith(("~", "/")):
            table["credential"] = f"file:{folder / credential[5:]}"


def remove(name: str) -> Path:
    """Takes the site file away (the client's state of the site stays). Raises UsageError."""
    if name not in names():
        raise UsageError(f"there is no site {name!r}", hint=f"known sites: {', '.join(names()) or 'none'}")
    path = path_of(name)
    path.unlink()
    try:
        if paths.current().read_text(encoding="utf-8").strip() == name:
            paths.current().unlink()
    except FileNotFoundError:
        pass
    return path


def site_name_for(host: str) -> str:
    """A free name made from a host: `203.0.113.10` -> `203-0-113-10`."""
    base = re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")[:28] or "site"
    known, name, number = names(), base, 2
    while name in known:
        name, number = f"{base}-{number}", number + 1
    return name


def write_new(
    name: str,
    vm_name: str,
    *,
    host: str,
    port: int | None,
    user: str | None,
    identity: str | None,
    host_key: str | None,
) -> Path:
    """The site file that `connect USER@HOST` begins with. Raises UsageError, SiteError."""
    import tomlkit

    vm: dict[str, Any] = {"host": host, "port": port, "user": user, "identity": identity}
    vm["host_keys"] = [host_key] if host_key else None
    document: dict[str, Any] = {
        "name": name,
        "default_vm": vm_name,
        "vms": {vm_name: {key: value for key, value in vm.items() if value is not None}},
    }
    target = path_of(name)
    if target.exists():
        raise UsageError(f"there is a site {name!r} already", hint=str(target))
    wrong = judged.of(document, target)
    if wrong:
        raise SiteError(f"no site file was written: {wrong[0]}", hint="; ".join(wrong[1:]), problems=wrong)
    note = "# Written by trainshed connect; [data] and [environments] are yours to add.\n"
    atomic.write(target, note + tomlkit.dumps(document))
    return target


def pin_host_key(site: Site, host_key: str) -> None:
    """Adds `ssh-ed25519 SHA256:…` to the VM's `host_keys`; comments and order of the file stay."""
    import tomlkit

    document: Any = tomlkit.parse(site.path.read_text(encoding="utf-8"))
    vm = document["vms"][site.vm_name]
    if host_key not in vm.get("host_keys", []):
        vm["host_keys"] = [*vm.get("host_keys", []), host_key]
        atomic.write(site.path, tomlkit.dumps(document))


def origins(site: Site) -> list[tuple[str, Any, str]]:
    """(key, value, "site file" or "default") of every setting that has a value."""
    raw = tomllib.loads(site.path.read_text(encoding="utf-8"))
    return list(_origins("", msgspec.to_builtins(site.file), raw))


def _origins(prefix: str, value: Any, written: Any) -> Iterator[tuple[str, Any, str]]:
    for key, item in value.items():
        given = written.get(key) if isinstance(written, dict) else None
        if isinstance(item, dict):
            yield from _origins(f"{prefix}{key}.", item, given)
        elif item is not None:
            yield f"{prefix}{key}", item, "default" if given is None else "site file"
