"""The forms of text that the scan reads: which one a file has, and what is found in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ... import amounts
from . import notebook, packages, python, reading, words
from .found import Found

_REQUIREMENTS = re.compile(
    r"(?:.*[-_.])?(?:requirements|constraints)(?:[-_.].*)?\.(?:txt|in|pip)|requirements/.*\.(?:txt|in)"
)
_SHEBANG = re.compile(rb"#![^\n]*\b(python|sh|bash|dash|zsh|ksh)")
_DOCKERFILE = re.compile(r"(?:.*\.)?dockerfile(?:\..*)?|containerfile")
_RUN = re.compile(r"\s*(?:RUN|CMD|ENTRYPOINT|ONBUILD RUN)\s+(?:--\S+\s+)*(.*)", re.IGNORECASE)
_BUILDS = re.compile(r"\s*(?:ONBUILD )?RUN\s", re.IGNORECASE)
# By the end of a name in lower case: languages that a job may run, and that are not read.
OTHERS = {
    ".r": "R", ".rmd": "R", ".qmd": "Quarto", ".jl": "Julia", ".c": "C", ".cc": "C++", ".cpp": "C++", ".cu": "CUDA",
    ".f90": "Fortran", ".java": "Java", ".scala": "Scala", ".go": "Go", ".rs": "Rust", ".js": "JavaScript",
    ".mjs": "JavaScript", ".ts": "TypeScript", ".pl": "Perl", ".rb": "Ruby", ".m": "MATLAB", ".sas": "SAS",
    ".pyx": "Cython",
}  # fmt: skip
YAML = (".yml", ".yaml")


def language(name: str, head: bytes, named: Mapping[str, str]) -> str:
    """python, notebook, shell, requirements, dockerfile, pth, yaml, or "" for what is only searched for credentials.

    `named`: what the job file says of files.
    """
    if name in named:
        return named[name]
    base = name.rpartition("/")[2].lower()
    shebang = _SHEBANG.match(head)
    if base.endswith((".py", ".pyw")):
        return "python"
    if base.endswith(".ipynb"):
        return "notebook"
    if base.endswith((".sh", ".bash", ".zsh")):
        return "shell"
    if shebang is not None:
        return "python" if shebang[1] == b"python" else "shell"
    if _REQUIREMENTS.fullmatch(base):
        return "requirements"
    if _DOCKERFILE.fullmatch(base):
        return "dockerfile"
    if base.endswith(".pth"):
        return "pth"
    return "yaml" if base.endswith(YAML) else ""


def of_text(kind: str, data: bytes, size: int, text: str) -> tuple[list[Found], str]:
    """The findings, and the text whose comments may allow them, with the same lines."""
    if kind == "python":
        return _of_python(data, size)
    if kind == "notebook":
        return _of_notebook(data, size, text)
    if kind == "shell":
        return list(words.of_text(text)), text
    if kind == "dockerfile":
        return list(_of_dockerfile(text)), text
    if kind == "requirements":
        return list(packages.of_text(text)), text
    if kind == "yaml":
        is_conda = re.search(r"^\s*(?:- )?dependencies\s*:", text, re.MULTILINE)
        return list(packages.of_conda(text)) if is_conda else [], text
    if kind == "pth" and re.search(r"^\s*import[ \t]", text, re.MULTILINE):
        return [Found("start-hook", 0, "a .pth file with code")], text
    return [], text


def _of_python(data: bytes, size: int) -> tuple[list[Found], str]:
    if size > python.LARGEST:
        return [Found("not-read", 0, f"{amounts.size(size)} of source: larger than what people write")], ""
    try:
        text = reading.python(data)
    except ValueError as error:
        return [Found("not-read", 0, str(error))], ""
    return python.of_text(text), text


def _of_notebook(data: bytes, size: int, text: str) -> tuple[list[Found], str]:
    if size > len(data):
        return [Found("not-read", 0, f"{amounts.size(size)}: larger than notebooks are")], ""
    try:
        found, program = notebook.of_text(text)
    except ValueError as error:
        return [Found("not-read", 0, str(error))], ""
    return found, program


def _of_dockerfile(text: str) -> Iterator[Found]:
    """What is written while an image is built stays in the image."""
    kept, goes_on = [], False
    for line in text.split("\n"):
        start = _RUN.match(line)
        kept.append(start[1] if start is not None else line if goes_on else "")
        goes_on = line.rstrip().endswith("\\") and (goes_on or start is not None)
    lines = text.split("\n")
    for found in words.of_text("\n".join(kept)):
        if found.rule not in ("write-outside", "link") or not _BUILDS.match(lines[found.line - 1]):
            yield found
