"""What a command-job file says, as read: nothing of a site or a VM is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

Literals = str | bool | int | float


class LiteralInput(msgspec.Struct, frozen=True, kw_only=True, tag="literal", tag_field="is"):
    value: Literals
    kind: Literal["string", "boolean", "integer", "number"]
    where: str  # "job.yml:12"


class DataInput(msgspec.Struct, frozen=True, kw_only=True, tag="data", tag_field="is"):
    type: str  # uri_file, uri_folder, mltable, custom_model, mlflow_model or triton_model
    path: str  # as written
    local: str = ""  # where that is on this machine, if it may be: absolute
    local_folder: bool = False  # whether there was a folder when it was read
    mode: str | None
    where: str


class Output(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    path: str | None
    where: str


class Build(msgspec.Struct, frozen=True, kw_only=True):
    path: str  # the folder of the Docker build context
    dockerfile_path: str


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """Either a `reference` to a named environment, or one that the file describes."""

    reference: str = ""  # as written: azureml:NAME:VERSION or azureml://registries/…
    name: str = ""
    version: str = ""  # "" or "latest" where none is fixed
    image: str = ""
    conda: dict[str, Any] | None = None  # the content of conda_file
    conda_source: str = ""  # where that content is: a file, or "job.yml:7"
    build: Build | None = None
    where: str = ""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    file: Path
    command: str
    command_where: str
    environment: Environment
    code: Path | None = None  # absolute
    code_where: str = ""
    name: str = ""  # of the job file: a tag of the run, never its identity
    display_name: str = ""
    experiment_name: str = ""
    description: str = ""
    inputs: dict[str, LiteralInput | DataInput] = {}
    outputs: dict[str, Output] = {}
    environment_variables: dict[str, str] = {}
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    compute: str = ""
    compute_where: str = ""
    timeout_s: int | None = None
    notes: list[str] = []  # what is taken but means nothing, or something else, on one VM
