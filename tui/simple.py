"""The usual command: one operation, one answer, printed as text or as a JSON document."""

from __future__ import annotations

from typing import Any, TypeVar

from . import documents, driver, tables
from .output import Output
from .settings import Settings

E = TypeVar("E", bound=Any)


def ask(settings: Settings, operation: driver.Operation, wanted: type[E]) -> E:
    """Performs the operation, shows its last event of type `wanted`, and hands it back."""
    job = driver.Job(settings)
    found = driver.perform(job, operation, wanted)
    show(job.output, found)
    return found


def show(output: Output, value: Any) -> None:
    """The event or record on stdout."""
    if output.json:
        output.document(documents.document(value))
    else:
        output.lines(tables.text(value))
