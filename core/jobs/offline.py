"""What of a job wants a network, as far as its job file or its log shows it. No job has one.

The job's code is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .records import Job, LiteralInput

_PACKAGES = "what the environment has is taken as it is, the rest fails: put it into the environment's requirements"
_SYSTEM = "put it into the environment's image"
_FILES = "put what it fetches into the code folder, or into the site's container as an input"
_START = r"(?:^|(?<=[\s;&|(`]))"
_NEEDS = (
    (r"pip[0-9.]* install|uv pip install|poetry install", _PACKAGES),
    (r"(?:conda|mamba) (?:install|create|env (?:create|update))", _PACKAGES),
    (r"(?:apt-get|apt|apk|yum|dnf) (?:-\S+ )*(?:install|update|upgrade|add)", _SYSTEM),
    (r"curl|wget|git clone|azcopy|az (?:login|ml|storage|account)|huggingface-cli|kaggle", _FILES),
)
_WORDS = tuple((re.compile(f"{_START}(?:{words})(?![\\w-])", re.MULTILINE), advice) for words, advice in _NEEDS)
_FAILURES = re.compile(
    r"Temporary failure in name resolution|Name or service not known|Could not resolve host|unable to resolve host|"
    r"getaddrinfo failed|Network is unreachable|externally-managed-environment|No matching distribution found for"
)
_ADDRESS = re.compile(r"(?:https?|wasbs?|abfss?|azureml|s3|gs)://\S+", re.IGNORECASE)


def notes(job: Job) -> list[str]:
    """Said at launch: one a kind of need, and one an input that is an address in plain text."""
    return [*_of_command(job), *_of_inputs(job)]


def failure(log: str) -> str:
    """What to say of a job that failed, where its log shows that it looked for a network; else ""."""
    found = _FAILURES.search(log)
    if found is None:
        return ""
    advice = "packages come with its environment, data as its inputs"
    return f"the job's log says {found.group()!r}, and a job has no network: {advice}"


def _of_command(job: Job) -> Iterator[str]:
    command = re.sub(r"[ \t]+", " ", job.command)
    for form, advice in _WORDS:
        found = form.search(command)
        if found:
            yield f"{job.command_where}: command: {found.group()}: a job has no network: {advice}"


def _of_inputs(job: Job) -> Iterator[str]:
    for name, declared in job.inputs.items():
        if isinstance(declared, LiteralInput) and _ADDRESS.fullmatch(str(declared.value)):
            text = "is passed on as text, and a job has no network: to have the data, write"
            yield f"{declared.where}: inputs.{name}: {text} {{type: uri_file, path: {declared.value}}}"
