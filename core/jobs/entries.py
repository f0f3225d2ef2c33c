"""Inputs and outputs of a command-job file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec

from .document import Node, did_you_mean
from .records import DataInput, LiteralInput, Literals, Output

FOLDER_TYPES = ("uri_folder", "mltable", "mlflow_model", "triton_model")
DATA_TYPES = ("uri_file", "uri_folder", "mltable", "custom_model", "mlflow_model", "triton_model")
LITERAL_TYPES = ("string", "boolean", "integer", "number")
INPUT_MODES = ("ro_mount", "download", "direct", "eval_mount", "eval_download")
OUTPUT_MODES = ("rw_mount", "upload", "mount", "direct")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,254}")
_OF_TYPE: dict[str, type | tuple[type, ...]] = {"string": str, "boolean": bool, "integer": int, "number": (int, float)}


def kind_of(value: Literals) -> Literal["string", "boolean", "integer", "number"]:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "string"


def inputs(node: Node | None, folder: Path) -> dict[str, LiteralInput | DataInput]:
    """`folder` is the one that relative paths begin in."""
    entries = {} if node is None else node.mapping()
    return {_name(name, entry): _input(entry, folder) for name, entry in entries.items()}


def outputs(node: Node | None) -> dict[str, Output]:
    return {} if node is None else {_name(name, entry): _output(entry) for name, entry in node.mapping().items()}


def _name(name: str, entry: Node) -> str:
    if not NAME.fullmatch(name):
        raise entry.error("a name has letters, digits, _ and -, and begins with a letter or _")
    return name


def found_locally(declared: DataInput, folder: Path) -> DataInput:
    """With where its path is on this machine: what Azure ML would upload. An address is nowhere here."""
    plain = declared.path.removeprefix("file://").removeprefix("file:")
    place = "" if _ADDRESS.match(plain) else str((folder / plain).absolute())
    is_folder = bool(place) and Path(place).is_dir()
    return msgspec.structs.replace(declared, local=place, local_folder=is_folder)


def _input(node: Node, folder: Path) -> LiteralInput | DataInput:
    where = f"{node.file}:{node.line}"
    if not isinstance(node.value, dict):
        value = node.scalar()
        _no_expression(node, value)
        return LiteralInput(value=value, kind=kind_of(value), where=where)
    kind = node.value.get("type")
    if "value" in node.value or "default" in node.value or (kind is not None and kind.value in LITERAL_TYPES):
        return _literal(node, where)
    return _data(node, where, folder)


def _no_expression(node: Node, value: Literals) -> None:
    if isinstance(value, str) and "${{" in value:
        raise node.error("an input of a command job cannot refer to another", "write the value itself")


def _literal(node: Node, where: str) -> LiteralInput:
    if "default" in node.value:
        raise node.value["default"].error("a job gives a value; a default belongs to a component", "write value: …")
    fields = node.fields(("type", "value"))
    if "value" not in fields:
        raise node.error(f"has type {fields['type'].value} and no value")
    entry = fields["value"]
    value = entry.scalar()
    _no_expression(entry, value)
    if "type" not in fields:
        return LiteralInput(value=value, kind=kind_of(value), where=where)
    kind = _choice(fields["type"], LITERAL_TYPES)
    wanted = _OF_TYPE[kind]
    if not isinstance(value, wanted) or (kind in ("integer", "number") and isinstance(value, bool)):
        raise entry.error(f"is {entry.kind}, and the input's type is {kind}")
    return LiteralInput(value=value, kind=kind, where=where)  # type: ignore[arg-type]


def _data(node: Node, where: str, folder: Path) -> DataInput:
    fields = node.fields(("type", "path", "mode", "datastore", "path_on_compute"))
    if "path" not in fields:
        raise node.error("has no path", "path: azureml://datastores/site/paths/… or what [data.aliases] maps")
    kind = _choice(fields["type"], DATA_TYPES) if "type" in fields else "uri_folder"
    mode = _choice(fields["mode"], INPUT_MODES) if "mode" in fields else None
    path = fields["path"].filled().strip()
    if "${{" in path:
        raise fields["path"].error("an input of a command job cannot refer to another", "write the path itself")
    return found_locally(DataInput(type=kind, path=path, mode=mode, where=where), folder)


def _output(node: Node) -> Output:
    where = f"{node.file}:{node.line}"
    if node.value is None:
        return Output(type="uri_folder", path=None, where=where)
    fields = node.fields(("type", "path", "mode", "name", "version", "description"))
    kind = _choice(fields["type"], DATA_TYPES) if "type" in fields else "uri_folder"
    if "mode" in fields:
        _choice(fields["mode"], OUTPUT_MODES)
    return Output(type=kind, path=fields["path"].text() if "path" in fields else None, where=where)


def _choice(node: Node, choices: tuple[str, ...]) -> str:
    value = node.text().lower()  # as Azure ML does
    if value not in choices:
        raise node.error(f"{node.value!r} is not one of {', '.join(choices)}", did_you_mean(value, choices))
    return value
