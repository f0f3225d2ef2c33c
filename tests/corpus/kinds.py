"""What a YAML file of the examples is. Many are templates, so their lines are looked at, not their YAML."""

from __future__ import annotations

import re

COMMAND = "command"
JOB_SCHEMAS = {
    "commandjob": COMMAND,
    "pipelinejob": "pipeline",
    "sweepjob": "sweep",
    "sparkjob": "spark",
    "automljob": "automl",
    "paralleljob": "parallel",
    "finetuningjob": "finetuning",
    "distillationjob": "distillation",
    "importjob": "import",
}
JOB_TYPES = frozenset({COMMAND, *JOB_SCHEMAS.values()})  # of a file that names no schema
_SCHEMA = re.compile(r"""^\$schema:[ \t]*["']?([^\s"']+)""", re.MULTILINE)
_TYPE = re.compile(r"""^type:[ \t]*["']?([\w.-]+)""", re.MULTILINE)
_COMMAND = re.compile(r"^command:", re.MULTILINE)
_ENVIRONMENT = re.compile(r"^environment:", re.MULTILINE)


def job(text: str) -> str:
    """The kind of job that the file is, or ""."""
    schema = _schema(text)
    if schema:
        return JOB_SCHEMAS.get(schema.lower(), "")
    found = _TYPE.search(text)
    kind = found.group(1) if found else COMMAND if _COMMAND.search(text) and _ENVIRONMENT.search(text) else ""
    if kind == COMMAND and not _COMMAND.search(text):
        return ""
    return kind if kind in JOB_TYPES else ""


def other(text: str) -> str:
    """What a file that is no job calls itself."""
    return _schema(text) or "no schema"


def _schema(text: str) -> str:
    """`commandJob` of `…/latest/commandJob.schema.json`."""
    found = _SCHEMA.search(text)
    return found.group(1).rpartition("/")[2].partition(".")[0] if found else ""
