"""What a person fills in of a launch: where it comes from, its inputs, and more settings."""

from __future__ import annotations

import shlex

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from core.events import JobResolved
from core.jobs import ulid
from core.services import Events
from tui import untrusted, words
from tui.session import Session
from tui.widgets.fields import Field, Row
from tui.widgets.inputs import PREFIX, InputFields

from .launch_source import LaunchSource, Look

NOTHING = "Choose a job file first: f lists those near, p pastes one"
MORE = "optional NAME=VALUE, as for --set, such as tags.team='ward 7'"
MOVED = "What was also set for {0} does not go along with another job; it comes back with {0}."


class LaunchForm(Vertical):
    def __init__(self, session: Session) -> None:
        super().__init__(id="form")
        self.session = session
        self.source = LaunchSource(session)
        self.inputs = InputFields(id="inputs")
        self.other: dict[str, str] = {}  # settings that were typed for a job or run that is not meant now

    def compose(self) -> ComposeResult:
        yield self.source
        yield self.inputs
        yield Row("Also set", Field(id="settings", placeholder=MORE))

    @property
    def filled(self) -> bool:
        """Whether there is anything to launch."""
        return bool(self.source.job or self.source.origin)

    def asked(self) -> object:
        """All that a launch depends on: equal only for the same launch."""
        try:
            return self.source.key, self.settings()
        except ValueError:
            return self.source.key, self._more()

    def settings(self) -> dict[str, str]:
        """`inputs.lr` -> "0.1". Raises ValueError."""
        found: dict[str, str] = {}
        for part in shlex.split(self._more()):
            name, equals, value = part.partition("=")
            if not name or not equals:
                raise ValueError(f"{part[:40]!r} is not NAME=VALUE, such as inputs.learning_rate=0.01")
            found[name] = value
        return found | (self.inputs.changed() if self._has_fields() else {})

    def line(self) -> list[str]:
        """The words of the equal command; a setting that cannot be read is not among them."""
        try:
            settings = self.settings()
        except ValueError:
            settings = {}
        return self.source.line() + [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]

    def begin(self, look: Look | None) -> Events:
        """A launch of what was looked at; None: a look. Raises ValueError."""
        return self.source.begin(self.settings(), look)

    def offer(self, record: JobResolved) -> None:
        """The fields of what was read."""
        self.source.like = record.name, record.experiment
        self.inputs.offer(self.source.key[0], record)

    def changed(self, field: Input) -> None:
        """Somebody types: a value that cannot be taken is told at once, and another job has other fields."""
        id = field.id or ""
        if id.startswith(PREFIX):
            next(row for row in field.ancestors if isinstance(row, Row)).refuse(self.wrong(id))
        else:
            self.forget_other()

    def forget_other(self) -> None:
        """Fields of what is not meant any more go, and what was typed for it goes along with nothing else."""
        source = self.inputs.source
        if source and not self._has_fields():
            self.inputs.forget()
            self._put_away(source)
        if not self._has_fields():
            self._bring_back()

    def _put_away(self, source: str) -> None:
        if self._more():
            self.other[source] = self._more()
            self._set_more("")
            named = words.short(source) if ulid.valid(source) else source
            self.notify(MOVED.format(untrusted.plain(named)), timeout=6, markup=False)

    def _bring_back(self) -> None:
        """What was typed for this one before, unless there is something new."""
        kept = self.other.pop(self.source.key[0], "")
        if kept and not self._more():
            self._set_more(kept)

    def _set_more(self, text: str) -> None:
        """No key was pressed: nobody is told of it."""
        field = self.query_one("#settings", Input)
        with self.prevent(Input.Changed):
            field.value = text
        next(row for row in field.ancestors if isinstance(row, Row)).refuse("")

    def wrong(self, id: str) -> str:
        """Why the field cannot be taken as it is now; empty where it can."""
        if id.startswith(PREFIX):
            return self.inputs.wrong(id.removeprefix(PREFIX))
        if id == "job":
            return "" if self.filled else NOTHING
        try:
            self.settings()
        except ValueError as error:
            return str(error)
        return ""

    def fields(self) -> list[str]:
        """The ids of all that have to be right."""
        shown = self.inputs.inputs if self._has_fields() else {}
        return ["job", "settings", *(f"{PREFIX}{name}" for name in shown)]

    def _more(self) -> str:
        return self.query_one("#settings", Input).value

    def _has_fields(self) -> bool:
        """Whether the fields are those of what would be launched."""
        return self.inputs.source == self.source.key[0]
