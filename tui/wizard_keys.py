"""The keys that every step shares, and which of them the footer shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from textual.binding import ActiveBinding, Binding, BindingType

from .steps import STEPS, Step

LETTERS = frozenset({"r", "b", "n", "c", "q", "x", "slash", "ampersand", "space", "question_mark"})  # text in a field


def _place(number: int, step: Step) -> Binding:
    does, id = f"Go to {step.title}", f"wizard.{step.id}"
    return Binding(str(number), f"go('{step.id}')", does, show=False, priority=True, id=id)


KEYS: list[BindingType] = [
    Binding("r", "retry", "Run/retry", id="wizard.retry"),
    Binding("b", "step(-1)", "Back", priority=True, id="wizard.back"),
    Binding("n", "step(1)", "Next", priority=True, id="wizard.next"),
    Binding("c", "commands", "Commands", id="wizard.commands"),
    Binding("question_mark", "help", "Help", key_display="?", id="wizard.help"),
    Binding("q", "app.leave", "Quit", id="wizard.quit"),
    Binding("y", "copy", "Copy the report or the command line", show=False, id="wizard.copy"),
    Binding("d", "details", "Details of the error", show=False, id="wizard.details"),
    Binding("e", "edit", "Edit what was typed", show=False, id="wizard.edit"),
    Binding("escape", "escape", "Leave the field / close / stop", show=False, id="wizard.escape"),
    Binding("o", "runs", "All runs", show=False, id="wizard.runs"),
    Binding("t", "app.next_theme", "Next theme", show=False, id="wizard.theme"),
    Binding("comma", "app.settings", "Settings", show=False, key_display=",", id="wizard.settings"),
    Binding("full_stop", "pause", "Pause a replay / go on", show=False, system=True, id="wizard.pause"),
    *[_place(number, step) for number, step in enumerate(STEPS, 1)],
]


def own_key(active: ActiveBinding) -> str:
    """The key that the binding has where nobody changed it."""
    id, bindings = active.binding.id, active.node._bindings
    keys = (key for key, binding in bindings if id is not None and binding.id == id)
    return next(keys, active.binding.key)


def shown(found: dict[str, ActiveBinding], wanted: Callable[[str], bool | None]) -> dict[str, ActiveBinding]:
    """`wanted` says of a key, as it is where nobody changed it: True shows it, False hides it, None leaves it."""
    for key, active in found.items():
        want = wanted(own_key(active))
        if want is not None:
            found[key] = active._replace(binding=replace(active.binding, show=want))
    return found
