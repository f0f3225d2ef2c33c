"""A report as a file, in the form that its ending asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from ... import kept
from ...errors import UsageError
from ...site import atomic
from .record import Report

ENDINGS: Mapping[str, str] = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}


def writer(path: Path) -> Callable[[Report], str]:
    """Raises UsageError for an ending that stands for no form, and for a folder."""
    form = ENDINGS.get(path.suffix.lower())
    if form is None:
        raise UsageError(f"the ending of {path} stands for no form of a report", hint=f"endings: {', '.join(ENDINGS)}")
    if path.is_dir():
        raise UsageError(f"{path} is a folder, and a report is a file")
    write: Callable[[Report], str] = import_module(f".{form}", __package__).write
    return write


def save(report: Report, path: Path) -> None:
    """All of it or nothing, in the place of what was there, for its owner alone. Raises UsageError."""
    write = writer(path)
    try:
        atomic.write(path, write(report))
    except OSError as error:
        raise UsageError(f"the report cannot be written: {path}: {error.strerror}") from None
    kept.remember("check", path)
