"""Reads an Azure ML CLI v2 command-job file: https://aka.ms/ml-cli-v2-job-command-yaml-reference.

What Azure ML takes is taken; every error names file, line and key, and what is unknown is an error.
One departure: `{value: 0.5}` is 0.5 here, where azure-ai-ml makes an integer or a boolean of it.
"""

from __future__ import annotations

import re
from pathlib import Path

from . import document, entries, notes, placeholders
from .document import Node, did_you_mean
from .environment import environment
from .records import DataInput, Job, LiteralInput, Output

KEYS = (
    "$schema", "type", "name", "display_name", "experiment_name", "description", "tags", "properties", "command",
    "code", "inputs", "outputs", "environment", "environment_variables", "compute", "limits",
)  # fmt: skip
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def load(path: Path) -> Job:
    """Raises JobError. Blocks: it reads the file and what the file names."""
    top = document.read(path)
    fields = _fields(top)
    folder = path.absolute().parent
    inputs, outputs = entries.inputs(fields.get("inputs"), folder), entries.outputs(fields.get("outputs"))
    command = fields["command"]
    variables = _variables(fields.get("environment_variables"))
    for node in (command, *variables.values()):
        _expressions_known(node, inputs, outputs)
    return Job(
        file=path,
        command=command.filled(),
        command_where=_where(command),
        environment=environment(fields["environment"], folder),
        code=_code(fields["code"], folder) if "code" in fields else None,
        code_where=_where(fields.get("code")),
        **{name: _optional_text(fields.get(name)) for name in _TEXTS},
        inputs=inputs,
        outputs=outputs,
        environment_variables={name: str(node.scalar()) for name, node in variables.items()},
        tags=_texts(fields.get("tags")),
        properties=_texts(fields.get("properties")),
        compute=_optional_text(fields.get("compute")).removeprefix("azureml:"),
        compute_where=_where(fields.get("compute")),
        timeout_s=_timeout(fields.get("limits")),
        notes=[*notes.notes(fields), *_unused_outputs(fields.get("outputs"))],
    )


_TEXTS = ("name", "display_name", "experiment_name", "description")


def _where(node: Node | None) -> str:
    return "" if node is None else f"{node.file}:{node.line}"


def _fields(top: Node) -> dict[str, Node]:
    if not isinstance(top.value, dict):
        raise top.error(f"a job file is a mapping, not {top.kind}")
    kind = top.value.get("type")
    if kind is not None and kind.text() != "command":
        raise notes.refused(kind)
    if "jobs" in top.value or "trial" in top.value:
        key, kind_of_job = ("jobs", "pipeline") if "jobs" in top.value else ("trial", "sweep")
        raise top.value[key].error(f"belongs to a {kind_of_job} job; only command jobs are done here")
    fields = top.fields((*KEYS, *notes.KEYS))
    for name in ("command", "environment"):
        if name not in fields:
            raise top.error(f"{name} is missing")
    return fields


def _optional_text(node: Node | None) -> str:
    return "" if node is None else node.text()


def _texts(node: Node | None) -> dict[str, str]:
    """A mapping to text; as in Azure ML, nothing is taken too."""
    if node is None:
        return {}
    return {name: "" if item.value is None else item.text() for name, item in node.mapping().items()}


def _variables(node: Node | None) -> dict[str, Node]:
    variables = {} if node is None else node.mapping()
    for name, item in variables.items():
        if not _VARIABLE.fullmatch(name):
            raise item.error("is not a name of an environment variable")
        item.scalar()
    return variables


def _code(node: Node, folder: Path) -> Path:
    text = node.filled().strip()
    if re.match(r"(git\+|https?:|azureml:|[a-z]+://)", text):
        raise node.error(f"{text} is not on this machine", "code has to be a folder here: it is what the VM gets")
    path = (folder / text.removeprefix("file:")).resolve()
    if path.is_file():
        raise node.error(f"{path} is a file", f"name its folder: {path.parent}")
    if not path.is_dir():
        raise node.error(f"there is no folder {path}")
    return path


def _timeout(node: Node | None) -> int | None:
    if node is None or "timeout" not in node.fields(("timeout",)):
        return None
    limit = node.value["timeout"]
    value = limit.value
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise limit.error("has to be a whole number of seconds")
    return value


def _unused_outputs(node: Node | None) -> list[str]:
    found = []
    for entry in (node.mapping() if node is not None else {}).values():
        fields = entry.value or {}
        unused = [name for name in ("path", "name", "version") if name in fields]
        if unused:
            what = ", ".join(unused)
            found.append(f"{_where(entry)}: {entry.key}: {what} not used: outputs stay in the run's folder")
    return found


def _expressions_known(node: Node, inputs: dict[str, LiteralInput | DataInput], outputs: dict[str, Output]) -> None:
    if not isinstance(node.value, str):
        return
    for expression in placeholders.expressions(node.value):
        group, _, name = expression.partition(".")
        known = {"inputs": list(inputs), "outputs": list(outputs)}.get(group)
        shown = "${{" + expression + "}}"
        if known is None:
            raise node.error(f"{shown} is neither an input nor an output", "${{inputs.NAME}} or ${{outputs.NAME}}")
        if name not in known:
            raise node.error(f"{shown}: there is no such {group[:-1]}", did_you_mean(name, known))
