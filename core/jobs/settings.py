"""`--set inputs.lr=0.1`: a job with some of its values replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..errors import UsageError
from .document import did_you_mean
from .entries import found_locally
from .records import DataInput, Job, LiteralInput, Literals

_TEXTS = ("display_name", "experiment_name", "description")
_MAPPINGS = ("tags", "environment_variables")
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def applied(job: Job, settings: Mapping[str, str]) -> Job:
    """Values are typed by what the file declares. Raises UsageError."""
    for key, value in settings.items():
        job = _set(job, key, value)
    return job


def changed(before: Job, after: Job) -> dict[str, str]:
    """name -> what was there, of the inputs that differ."""
    return {name: _text(given) for name, given in before.inputs.items() if _text(given) != _text(after.inputs[name])}


def _text(given: LiteralInput | DataInput) -> str:
    return str(given.value) if isinstance(given, LiteralInput) else given.path


def _set(job: Job, key: str, value: str) -> Job:
    group, _, name = key.partition(".")
    if key in _TEXTS:
        return msgspec.structs.replace(job, **{key: value})
    if group in _MAPPINGS and name:
        return msgspec.structs.replace(job, **{group: {**getattr(job, group), name: value}})
    if group != "inputs" or not name:
        known = f"inputs.NAME, {', '.join(_TEXTS)}, tags.KEY or environment_variables.NAME"
        meant = f"did you mean inputs.{key}?" if key in job.inputs else known
        raise UsageError(f"--set {key}: no such setting", hint=meant)
    return msgspec.structs.replace(job, inputs={**job.inputs, **_input(job, name, value)})


def _input(job: Job, name: str, value: str) -> dict[str, LiteralInput | DataInput]:
    name = name.removesuffix(".path")
    declared = job.inputs.get(name)
    if declared is None:
        raise UsageError(f"--set inputs.{name}: {job.file} has no such input", hint=did_you_mean(name, job.inputs))
    if isinstance(declared, DataInput):
        return {name: found_locally(msgspec.structs.replace(declared, path=value), Path.cwd())}
    try:
        typed = typed_value(value, declared.kind)
    except ValueError:
        advice = "; write 1.0 there for a number" if declared.kind == "integer" else ""
        raise UsageError(
            f"--set inputs.{name}: {value!r} is not {WORDS[declared.kind]}, as {declared.where} declares it",
            hint=f"it is {declared.value} there{advice}",
        ) from None
    return {name: msgspec.structs.replace(declared, value=typed)}


WORDS = {"boolean": "a boolean", "integer": "a whole number", "number": "a number"}


def typed_value(text: str, kind: str) -> Literals:
    """Raises ValueError."""
    if kind == "string":
        return text
    text = text.strip()
    if kind == "boolean":
        if text.lower() not in _BOOLEANS:
            raise ValueError(text)
        return _BOOLEANS[text.lower()]
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    if kind == "number" and re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return float(text)
    raise ValueError(text)
