"""What is wrong with a site file: every problem at once, each as `key: what`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from . import paths, schema

SITE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
VM_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,14}[A-Za-z0-9]")  # a compute name of Azure ML, 2 to 16 characters
HOST_KEY = re.compile(r"[a-z0-9@.-]+ SHA256:[A-Za-z0-9+/]{43}")
CREDENTIAL = re.compile(r"keyring:.+/.+|env:[A-Za-z_][A-Za-z0-9_]*|file:.+")


def of(raw: dict[str, Any], path: Path) -> list[str]:
    """`raw`: the file as TOML reads it. `path`: where it is; relative paths in it are beside it."""
    return [*_shape("", raw, schema.SiteFile), *_meaning(raw, path)]


def _table(wanted: Any) -> Any:
    """The struct that a value of this type is, or None."""
    kinds = (wanted, *get_args(wanted)) if get_origin(wanted) not in (list, dict) else (wanted,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct)), None)


def _shape(key: str, value: Any, wanted: Any) -> Iterator[str]:
    table, kind = _table(wanted), get_origin(wanted)
    if table is not None and isinstance(value, dict):
        yield from _fields(key, value, table)
    elif kind is dict and isinstance(value, dict):
        for name, entry in value.items():
            yield from _shape(_below(key, name), entry, get_args(wanted)[1])
    elif kind is list and isinstance(value, list):
        for number, entry in enumerate(value, 1):
            yield from _shape(f"{key}[{number}]", entry, get_args(wanted)[0])
    else:
        try:
            msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            text = str(error).partition(" - at `$")[0]
            yield f"{key}: {text[0].lower()}{text[1:].replace('`', '')}"


def _fields(key: str, value: dict[str, Any], table: Any) -> Iterator[str]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(table)}
    for name in value:
        if name not in fields:
            yield f"{_below(key, name)}: no such key{_near(name, fields)}"
    for name, field in fields.items():
        if name in value:
            yield from _shape(_below(key, name), value[name], field.type)
        elif field.required:
            yield f"{_below(key, name)}: missing"


def _below(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _near(name: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _good(value: Any, table: Any) -> dict[str, Any]:
    """The fields of a table that have their shape."""
    if not isinstance(value, dict):
        return {}
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(table)}
    return {key: each for key, each in value.items() if key in fields and not list(_shape(key, each, fields[key]))}


def _entries(raw: dict[str, Any], key: str) -> dict[str, Any]:
    found = raw.get(key)
    return found if isinstance(found, dict) else {}


def _meaning(raw: dict[str, Any], path: Path) -> Iterator[str]:
    """Of what has its shape."""
    name, chosen, vms = raw.get("name"), raw.get("default_vm"), _entries(raw, "vms")
    if isinstance(name, str) and not SITE_NAME.fullmatch(name):
        yield "name: lower-case letters, digits and hyphens, 32 at most"
    if raw.get("vms") == {}:
        yield "vms: at least one VM"
    for each, entry in vms.items():
        if not VM_NAME.fullmatch(each):
            yield f"vms.{each}: a VM's name has 2 to 16 letters, digits and hyphens, and begins with a letter"
        yield from _vm(f"vms.{each}", _good(entry, schema.VM))
    if isinstance(chosen, str) and chosen not in vms:
        yield f"default_vm: there is no VM {chosen!r} (there is: {', '.join(vms)})"
    if chosen is None and len(vms) > 1:
        yield f"default_vm: missing, and there are several VMs ({', '.join(vms)})"
    yield from _data(_good(raw.get("data"), schema.Data), path)
    checks = _good(raw.get("checks"), schema.Checks)
    if checks:
        from ..checks import profiles  # the whole catalogue: only where the file speaks of checks

        yield from profiles.problems(msgspec.convert(checks, schema.Checks))
    for each, entry in _entries(raw, "environments").items():
        wanted = _good(entry, schema.Environment).get("requirements")
        if wanted is not None and not (path.parent / paths.expanded(wanted)).is_file():
            yield f"environments.{each}.requirements: no file {wanted!r} beside the site file"


def _vm(key: str, vm: dict[str, Any]) -> Iterator[str]:
    host, port = vm.get("host"), vm.get("port")
    if host is not None and (not host or host.startswith("-") or any(character.isspace() for character in host)):
        yield f"{key}.host: not a host name or address: {host!r}"
    if port is not None and not 0 < port < 65536:
        yield f"{key}.port: {port} is not a port (1 to 65535)"
    for pinned in vm.get("host_keys", ()):
        if not HOST_KEY.fullmatch(pinned):
            yield f'{key}.host_keys: {pinned!r} is not of the form "ssh-ed25519 SHA256:…"'


def _data(data: dict[str, Any], path: Path) -> Iterator[str]:
    bundle, version = data.get("ca_bundle"), data.get("api_version", "auto")
    if not data.get("endpoint", "https://").startswith("https://"):
        yield "data.endpoint: has to begin with https://"
    if re.search("[?#@]", data.get("endpoint", "")):
        yield "data.endpoint: the address alone; a SAS token is given by data.credential, by reference"
    if not CREDENTIAL.fullmatch(data.get("credential", "env:NONE")):
        yield "data.credential: a reference (keyring:SERVICE/NAME, env:NAME or file:PATH), never the secret itself"
    if bundle is not None and not (path.parent / paths.expanded(bundle)).is_file():
        yield f"data.ca_bundle: no file {bundle!r} beside the site file"
    if version != "auto" and not re.fullmatch(r"20\d\d-\d\d-\d\d", version):
        yield 'data.api_version: "auto" or a date such as "2019-07-07"'
