"""What a job file calls its data, as a path in the site's container.

`azureml://datastores/site/paths/…` is the site's container; anything else has to be in `[data.aliases]`:
exact, or below a prefix that ends in "/" (the longest one counts). A path that no alias names is one on this machine.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import msgspec

from ..errors import JobError
from ..site.files import Site
from .entries import FOLDER_TYPES
from .records import DataInput

CUSTOM = "custom_model"
DATASTORE = "azureml://datastores/site/paths/"


class Needed(msgspec.Struct, frozen=True, kw_only=True):
    """One data input: of the site's container, or `local`, of this machine."""

    path: str  # in the container: a blob, a folder with a trailing "/", or "" for all; on this machine: absolute
    local: bool = False
    file: str  # the blob's base name, or "" for a folder
    inside: str  # where the job sees it

    @property
    def kind(self) -> str:
        return "uri_file" if self.file else "uri_folder"


def needed(name: str, declared: DataInput, site: Site) -> Needed:
    """Raises JobError that says how to make the input available."""
    key = f"{declared.where}: inputs.{name}"
    path = container_path(declared.path, site)
    if path is None and declared.local:
        is_folder = declared.local_folder if declared.type == CUSTOM else declared.type in FOLDER_TYPES
        return msgspec.structs.replace(_placed(name, declared, declared.local, key, is_folder), local=True)
    if site.file.data is None:
        raise JobError(f"{key}: site {site.name} has no data", hint=f"[data] in {site.path} names its container")
    if path is None:
        raise JobError(
            f"{key}: {declared.path} cannot be had on site {site.name}",
            hint=f'in {site.path}, below [data.aliases]: "{declared.path}" = "its path in the container"',
        )
    if any(part in (".", "..") for part in path.split("/")) or path.startswith("/"):
        raise JobError(f"{key}: {path} is not a path in a container")
    return _placed(name, declared, path, key, _is_folder(declared, path))


def container_path(written: str, site: Site) -> str | None:
    """The path in the site's container of a datastore's address or an alias; None for anything else."""
    return mapped(written, site.file.data.aliases if site.file.data else {})


def mapped(written: str, aliases: dict[str, str]) -> str | None:
    """By what the aliases of a site say; None for anything else."""
    if written in aliases:
        return aliases[written]
    prefixes = [alias for alias in aliases if alias.endswith("/") and written.startswith(alias)]
    if prefixes:
        longest = max(prefixes, key=len)
        return aliases[longest] + written[len(longest) :]
    if f"{written}/" == DATASTORE or written.startswith(DATASTORE):
        return written[len(DATASTORE) :]
    return None


def _placed(name: str, declared: DataInput, path: str, key: str, is_folder: bool) -> Needed:
    if not is_folder:
        if not path or path.endswith("/"):
            raise JobError(f"{key}: the type is {declared.type}, and {declared.path} is a folder")
        base = PurePosixPath(path).name
        return Needed(path=path, file=base, inside=f"/data/{name}/{base}")
    return Needed(path=path if not path or path.endswith("/") else f"{path}/", file="", inside=f"/data/{name}")


def _is_folder(declared: DataInput, path: str) -> bool:
    """A custom model is a file or a folder: in the container, one whose name has an ending is taken for a file."""
    if declared.type == CUSTOM:
        return path.endswith("/") or not PurePosixPath(path).suffix
    return declared.type in FOLDER_TYPES
