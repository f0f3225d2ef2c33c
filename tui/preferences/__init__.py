"""What a person set, and where each value comes from: flag, environment, file, default, in this order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from core.errors import UsageError
from core.site import paths

from .schema import Preferences

Source = Literal["flag", "environment", "file", "default"]
OTHERS = frozenset({"TRAINSHED_HOME", "TRAINSHED_SITE", "TRAINSHED_DEBUG"})  # variables that are no settings
LAYERS: tuple[Source, ...] = ("file", "environment", "flag")  # a later one wins


class Resolved(msgspec.Struct, kw_only=True):
    """`layers`: values by key (`log.wrap`, `keys.wizard.retry`) for each source; `problems`: what was not used of the
    file and of the environment, for people to read; `path`: None where changes last as long as the program.
    """

    layers: dict[Source, dict[str, Any]] = {}
    problems: list[str] = []
    path: Path | None = None
    preferences: Preferences = Preferences()

    def __post_init__(self) -> None:
        nested: dict[str, Any] = {"keys": {}}
        for source in LAYERS:
            for key, value in self.layers.get(source, {}).items():
                table, _, last = ("keys", "", key[5:]) if key.startswith("keys.") else key.rpartition(".")
                (nested.setdefault(table, {}) if table else nested)[last] = value
        self.preferences = msgspec.convert(nested, Preferences)

    def source(self, key: str) -> Source:
        return next((source for source in reversed(LAYERS) if key in self.layers.get(source, {})), "default")

    def value(self, key: str) -> Any:
        found: Any = self.preferences
        for part in key.split("."):
            found = getattr(found, part)
        return found

    def changed(self, key: str, value: Any) -> Resolved:
        """As the file would say it; None takes the key out."""
        written = {name: kept for name, kept in self.layers.get("file", {}).items() if name != key}
        if value is not None:
            written[key] = value
        return Resolved(layers=self.layers | {"file": written}, problems=self.problems, path=self.path)


def resolve(flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Resolved:
    """Reads file and environment; `flags` are good already. Never raises."""
    path, problems = paths.settings(), []
    layers: dict[Source, dict[str, Any]] = {
        "flag": {key: value for key, value in (flags or {}).items() if value is not None}
    }
    if path.exists():
        from . import file  # most people have none, and the first paint waits for this

        written = file.read(path)
        layers["file"], problems = written.values, written.problems
    variables = os.environ if environ is None else environ
    if any(name.startswith("TRAINSHED_") and name not in OTHERS for name in variables):
        layers["environment"] = _of_environment(variables, problems)
    return Resolved(layers=layers, problems=problems, path=path)


def _of_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    from .file import of_text
    from .schema import settings

    found: dict[str, Any] = {}
    for setting in settings().values():
        text = environ.get(setting.variable)
        if not text:
            continue
        try:
            found[setting.key] = of_text(setting, text)
        except UsageError as error:
            problems.append(f"{setting.variable}: {error.title.partition(': ')[2]}")
    return found
