"""The inputs of a job that are values, as fields: each keeps what was typed, and says at once what it cannot take."""

from __future__ import annotations

import re

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from core.events import JobResolved, ResolvedInput
from tui import untrusted

from .fields import Field, Row

PREFIX = "input-"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")  # as job files have them; a recording, or a VM, may have others
TYPES = ("string", "boolean", "integer", "number")
LONGEST = 1000  # characters: a longer value, or one of several lines, is told and not offered


def _fits(each: ResolvedInput) -> bool:
    known = each.source == "literal" and each.type in TYPES and NAME.fullmatch(each.name) is not None
    return known and len(each.value) <= LONGEST and each.value.isprintable()


class FieldGrid(Vertical):
    def __init__(self, inputs: list[ResolvedInput]) -> None:
        super().__init__()
        self.inputs = inputs

    def compose(self) -> ComposeResult:
        for each in self.inputs:
            yield Row(untrusted.plain(each.name), Field(each.value, id=f"{PREFIX}{each.name}", placeholder=each.type))


class InputFields(VerticalScroll):
    """`source`: the job or run whose inputs they are; "" before any was read."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, can_focus=False)
        self.display = False
        self.source = ""
        self.inputs: dict[str, ResolvedInput] = {}  # as the job file, or the run, has them
        self.grid = FieldGrid([])

    def offer(self, source: str, record: JobResolved) -> None:
        """The fields of `record`. What was typed for the same job stays."""
        found = {each.name: each for each in record.inputs if _fits(each)}
        if source == self.source and found.keys() == self.inputs.keys():
            self.inputs = found
            for name, each in found.items():
                field = self._field(name)
                if field is not None and field.value == self.base(name):
                    field.value = each.value
            return
        self.source, self.inputs = source, found
        self.remove_children()
        self.grid = FieldGrid(list(found.values()))
        self.mount(self.grid)
        self.display = bool(found)

    def forget(self) -> None:
        """Another job was named: these are not its inputs."""
        self.source, self.inputs, self.display = "", {}, False

    def _field(self, name: str) -> Field | None:
        """None before it is mounted."""
        return next(iter(self.grid.query(f"#{PREFIX}{name}").results(Field)), None)

    def _text(self, name: str) -> str:
        field = self._field(name)
        return self.inputs[name].value if field is None else field.value

    def base(self, name: str) -> str:
        """What it is without a setting."""
        each = self.inputs[name]
        return each.value if each.was is None else each.was

    def changed(self) -> dict[str, str]:
        """`inputs.lr` -> "0.1", of those that were changed."""
        return {f"inputs.{name}": self._text(name) for name in self.inputs if self._text(name) != self.base(name)}

    def wrong(self, name: str) -> str:
        """Why what was typed cannot be taken; empty where it can."""
        from core.jobs import settings

        each = self.inputs.get(name)
        if each is None:
            return ""
        try:
            settings.typed_value(self._text(name), each.type)
        except ValueError:
            return f"not {settings.WORDS[each.type]}; the job has {self.base(name)}"
        return ""
