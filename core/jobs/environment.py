"""The `environment` of a command-job file: a name, or an image with a conda file, or a Docker build context."""

from __future__ import annotations

import re
from pathlib import Path

from . import document
from .document import Node
from .records import Build, Environment

_FIELDS = (
    "$schema", "name", "version", "image", "conda_file", "build", "description", "tags", "properties", "os_type",
    "inference_config", "datastore",
)  # fmt: skip
_NAMED = re.compile(r"azureml:(?P<name>[\w.-]+)(?:(?:@(?P<label>[\w.-]+))|(?::(?P<version>[\w.-]+)))?")
_REGISTRY = re.compile(
    r"azureml://registries/[\w.-]+/environments/(?P<name>[\w.-]+)(?:/(?:versions|labels)/(?P<version>[\w.-]+))?"
)
_ARM = re.compile(
    r"azureml:/subscriptions/.+/environments/(?P<name>[\w.-]+)(?:/(?:versions|labels)/(?P<version>[\w.-]+))?",
    re.IGNORECASE,
)
_FORMS = (
    "azureml:NAME:VERSION, azureml:NAME@latest, azureml://registries/REGISTRY/environments/NAME, "
    "file:FILE, or a mapping with image, conda_file or build"
)


def environment(node: Node, folder: Path) -> Environment:
    """`folder` is the one that relative paths begin in. Raises JobError."""
    if isinstance(node.value, str):
        return _from_file(node, folder) if node.value.startswith("file:") else _reference(node)
    return _described(node, folder)


def _where(node: Node) -> str:
    return f"{node.file}:{node.line}"


def _reference(node: Node) -> Environment:
    text = node.filled().strip()
    for form in (_NAMED, _REGISTRY, _ARM):
        found = form.fullmatch(text)
        if found:
            parts = found.groupdict()
            version = parts.get("version") or parts.get("label") or ""
            return Environment(reference=text, name=parts["name"], version=version, where=_where(node))
    hint = f"write azureml:{text}" if re.fullmatch(r"[\w.-]+([:@][\w.-]+)?", text) else ""
    raise node.error(f"{text!r} is not an environment: {_FORMS}", hint)


def _from_file(node: Node, folder: Path) -> Environment:
    path = folder / node.text()[len("file:") :]
    if not path.is_file():
        raise node.error(f"there is no file {path}")
    return _described(document.read(path), path.parent)


def _described(node: Node, folder: Path) -> Environment:
    for conda_key in ("channels", "dependencies"):
        if conda_key in node.mapping():
            raise node.value[conda_key].error(
                "belongs to a conda file", "put it below conda_file, or into a file that conda_file names"
            )
    fields = node.fields(_FIELDS)
    if not any(name in fields for name in ("image", "conda_file", "build")):
        raise node.error("describes nothing: it has neither image, conda_file nor build")
    if "image" in fields and "build" in fields:
        raise fields["build"].error("an environment has image or build, not both")
    conda, source = _conda(fields["conda_file"], folder) if "conda_file" in fields else (None, "")
    return Environment(
        name=_label(fields.get("name")),
        version=_label(fields.get("version")),
        image=fields["image"].filled() if "image" in fields else "",
        conda=conda,
        conda_source=source,
        build=_build(fields["build"], folder) if "build" in fields else None,
        where=_where(node),
    )


def _label(node: Node | None) -> str:
    return "" if node is None else str(node.scalar())


def _conda(node: Node, folder: Path) -> tuple[dict[str, object], str]:
    if isinstance(node.value, dict):
        return node.plain(), _where(node)
    name = node.filled()
    path = folder / (name[len("file:") :] if name.startswith("file:") else name)
    if not path.is_file():
        raise node.error(f"there is no file {path}")
    content = document.read(path)
    content.mapping()
    return content.plain(), str(path)


def _build(node: Node, folder: Path) -> Build:
    fields = node.fields(("path", "dockerfile_path"))
    if "path" not in fields:
        raise node.error("has no path: the folder of the build context")
    path = (folder / fields["path"].filled()).resolve()
    if not path.is_dir():
        raise fields["path"].error(f"there is no folder {path}")
    dockerfile = fields["dockerfile_path"].filled() if "dockerfile_path" in fields else "Dockerfile"
    return Build(path=str(path), dockerfile_path=dockerfile)
