"""Which bindings there are, by id, and whether the keys that a person chose for them can work."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys, _character_to_key
from textual.screen import Screen

from tui.screens.pane import StepPane

from .file import near

MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
NAMED = {key.value for key in Keys} | {"slash", "question_mark", "comma", "space", "enter"}


@dataclass(frozen=True)
class Bound:
    """One binding: `keys` are its own ones, `kind` is the class that has it."""

    id: str
    keys: tuple[str, ...]
    does: str
    kind: type[DOMNode]

    @property
    def place(self) -> str:
        return self.id.partition(".")[0]

    def meets(self, other: Bound) -> bool:
        """Whether one key can mean both: in the same class, in a step and around it; never in two steps or screens."""
        kinds = (self.kind, other.kind)
        if issubclass(*kinds) or issubclass(*reversed(kinds)):
            return True
        return not any(map(_alone, kinds)) and not all(issubclass(kind, StepPane) for kind in kinds)


def _alone(kind: type[DOMNode]) -> bool:
    """A dialogue, or a screen over the wizard."""
    return issubclass(kind, Screen) and kind.__name__ != "Wizard"


def modules() -> Iterator[str]:
    """Every module of ours that can have bindings."""
    import tui

    yield from ("tui.app", "tui.wizard")
    for package in ("screens", "widgets"):
        folders = [f"{folder}/{package}" for folder in tui.__path__]
        yield from (f"tui.{package}.{module.name}" for module in pkgutil.iter_modules(folders))


def of_module(name: str) -> Iterator[Bound]:
    """The bindings of the classes that a module defines; it is imported for that."""
    for kind in vars(importlib.import_module(name)).values():
        if isinstance(kind, type) and issubclass(kind, DOMNode) and kind.__module__ == name:
            for binding in vars(kind).get("BINDINGS", ()):
                if isinstance(binding, Binding) and binding.id:
                    yield Bound(binding.id, normal(binding.key), binding.description, kind)


def known() -> dict[str, Bound]:
    return {bound.id: bound for name in modules() for bound in of_module(name)}


def normal(keys: str) -> tuple[str, ...]:
    """`r,?` as Textual names them: r, question_mark."""
    parts = [part.strip() or part for part in keys.split(",")] if keys != "," else [","]
    return tuple(_character_to_key(part) if len(part) == 1 else part for part in parts)


def unusable(keys: str) -> str:
    """What of `keys` no terminal has; empty where all is well."""
    for key in normal(keys):
        *before, last = key.split("+")
        single = len(last) == 1 or last in NAMED or _is_named_character(last)
        if not last or not single or not set(before) <= MODIFIERS:
            return key or keys
    return ""


def _is_named_character(name: str) -> bool:
    from textual.keys import key_to_character

    return key_to_character(name) is not None


def keymap(chosen: Mapping[str, str]) -> dict[str, str]:
    """For Textual: without what is no key."""
    return {id: ",".join(normal(keys)) for id, keys in chosen.items() if not unusable(keys)}


def problems(chosen: Mapping[str, str], bounds: Mapping[str, Bound]) -> list[str]:
    """Unknown ids, keys that are none, and keys that two actions of the same place would share."""
    return [said for id, keys in chosen.items() for said in wrong(id, keys, chosen, bounds)]


def wrong(id: str, keys: str, chosen: Mapping[str, str], bounds: Mapping[str, Bound]) -> list[str]:
    """Why `id` cannot have `keys`; `chosen`: what else was chosen."""
    if id not in bounds:
        return [f"keys.{id}: there is no such binding{near(id, bounds)}"]
    if unusable(keys):
        return [f"keys.{id}: {unusable(keys)!r} is not a key, such as ctrl+r, f5 or x"]
    return [f"keys.{id}: {said}" for said in conflicts(id, keys, chosen, bounds)]


def conflicts(id: str, keys: str, chosen: Mapping[str, str], bounds: Mapping[str, Bound]) -> list[str]:
    """`x is also Cancel run (watch.cancel_run)` for each key of `keys` that something else has where `id` is."""
    mine = bounds[id]
    said = []
    for other in bounds.values():
        if other.id == id or not mine.meets(other):
            continue
        theirs = normal(chosen[other.id]) if other.id in chosen else other.keys
        if set(mine.keys) & set(other.keys) and other.id not in chosen and set(normal(keys)) <= set(mine.keys):
            continue  # so it is without the file too
        said += [f"{key} is also {other.does} ({other.id})" for key in normal(keys) if key in theirs]
    return said
