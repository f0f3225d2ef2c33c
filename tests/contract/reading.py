"""One command-job file as we read it and as azure-ai-ml reads it, in the same words."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.jobs.records import DataInput, Environment, Job, LiteralInput


@contextlib.contextmanager
def azure_reader() -> Iterator[Callable[[Path], Any]]:
    """azure-ai-ml's `load_job`, kept from talking about itself."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from azure.ai.ml import load_job

            yield load_job
    finally:
        logging.disable(logging.NOTSET)


def ours(job: Job) -> dict[str, Any]:
    return {
        "command": job.command,
        "name": job.name or None,
        "display_name": job.display_name or None,
        "experiment_name": job.experiment_name or None,
        "description": job.description or None,
        "tags": job.tags,
        "properties": job.properties,
        "compute": job.compute or None,
        "code": str(job.code) if job.code else None,
        "timeout": job.timeout_s,
        "variables": job.environment_variables,
        "inputs": {name: _input(entry) for name, entry in job.inputs.items()},
        "outputs": {name: (entry.type, entry.path) for name, entry in job.outputs.items()},
        "environment": _environment(job.environment),
    }


def _input(entry: LiteralInput | DataInput) -> Any:
    if isinstance(entry, LiteralInput):
        return type(entry.value).__name__, entry.value
    return entry.type, _short(entry.path), entry.mode


def _short(reference: str) -> str:
    """azure-ai-ml keeps `azureml:NAME:VERSION` without its first word."""
    return reference if reference.startswith("azureml://") else reference.removeprefix("azureml:")


def _environment(environment: Environment) -> Any:
    if environment.reference:
        return _short(environment.reference)
    build = environment.build
    return environment.image or None, environment.conda, (build.path, build.dockerfile_path) if build else None


def theirs(command: Any, folder: Path) -> dict[str, Any]:
    job = command._to_job()
    return {
        "command": command.command,
        "name": command.name,
        "display_name": command.display_name,
        "experiment_name": command.experiment_name,
        "description": command.description,
        "tags": {key: value or "" for key, value in command.tags.items()},
        "properties": command.properties,
        "compute": command.compute,
        "code": str((folder / command.code).resolve()) if command.code else None,
        "timeout": command.limits.timeout if command.limits else None,
        "variables": {key: str(value) for key, value in command.environment_variables.items()},
        "inputs": {name: _their_input(entry) for name, entry in job.inputs.items()},
        "outputs": {
            name: (entry.type, entry.path) if entry is not None else ("uri_folder", None)
            for name, entry in job.outputs.items()
        },
        "environment": _their_environment(command.environment),
    }


def _their_input(entry: Any) -> Any:
    if not hasattr(entry, "path"):
        return type(entry).__name__, entry
    return entry.type, entry.path, entry.mode


def _their_environment(environment: Any) -> Any:
    if isinstance(environment, str):
        return environment
    build = environment.build
    context = (str(Path(environment.path).resolve()), build.dockerfile_path or "Dockerfile") if build else None
    return environment.image, environment.conda_file, context
