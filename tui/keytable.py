"""Every key of where you are, for the help and the command palette: also those that a field takes as text now."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from .keys import in_field

PALETTE = "command_palette"
SHIFTED = re.compile(r"shift\+[a-z]")  # how some terminals say what is a capital letter in the others


@dataclass(frozen=True)
class Listed:
    """One action with its keys, as they are written on the keyboard. `ours`: not of a widget of Textual's. `on`: it
    does something now, else its key says why not, or means what is around it.
    """

    keys: str
    does: str
    action: str
    node: DOMNode
    ours: bool
    on: bool = True

    @property
    def told(self) -> str:
        """For the help."""
        return self.does if self.on else f"{self.does} (not now)"


def listed(app: App[Any], nodes: Iterable[DOMNode]) -> list[Listed]:
    """The actions of `nodes`, innermost first, ours before those of Textual. An outer one whose key an inner one has is
    there without a key, unless the inner one is off; one that an inner node has too is there once.
    """
    found: dict[tuple[DOMNode, str], Listed] = {}
    taken: dict[str, DOMNode] = {}
    of: dict[str, DOMNode] = {}  # whose an action is, by the binding's id
    for node in nodes:
        bindings = node._bindings.copy()
        bindings.apply_keymap(app._keymap)
        for key, binding in bindings:
            if not binding.description or binding.system:
                continue
            if binding.id and of.setdefault(binding.id, node) is not node:
                continue
            on = app._check_action_state(binding.action, node)
            inner = taken.setdefault(key, node) if on else taken.get(key, node)
            seen = inner is node or binding.priority
            written = app.get_key_display(binding) if seen and not SHIFTED.fullmatch(key) else ""
            _add(found, node, binding, written, bool(on) or in_field(app.screen))  # a field has the letters
    return sorted(found.values(), key=lambda one: not one.ours)


def _add(found: dict[tuple[DOMNode, str], Listed], node: DOMNode, binding: Binding, key: str, on: bool) -> None:
    known = found.get((node, binding.action))
    keys = " ".join(part for part in (known.keys if known else "", key) if part)
    found[node, binding.action] = Listed(keys, binding.description, binding.action, node, binding.id is not None, on)


def _inner(screen: Screen[Any], pane: Widget) -> list[DOMNode]:
    """What has the focus, and what is around it up to the pane."""
    nodes = list(screen.focused.ancestors_with_self) if screen.focused is not None else []
    if pane in nodes:
        return nodes[: nodes.index(pane) + 1]
    return [*nodes[: nodes.index(screen)], pane] if screen in nodes else [pane]


def of_place(screen: Screen[Any], pane: Widget) -> list[Listed]:
    """Our actions of a step and of everything around it."""
    every = listed(screen.app, [*_inner(screen, pane), screen, screen.app])
    return [one for one in every if one.ours and one.action != PALETTE]


def over(screen: Screen[Any]) -> list[Listed]:
    """Our actions of a screen that lies over the wizard."""
    around = screen.focused.ancestors_with_self if screen.focused is not None else []
    inner = [node for node in around if node not in (screen, screen.app)]
    return [one for one in listed(screen.app, [*inner, screen, screen.app]) if one.ours]


def groups(screen: Screen[Any], pane: Widget, title: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """For the help: (title, [(key, what it does)])."""
    here, everywhere, focused = f"In {title}", "Everywhere", "In what has the focus"
    rows: dict[str, list[tuple[str, str]]] = {here: [], everywhere: [], focused: []}
    for one in listed(screen.app, [*_inner(screen, pane), screen, screen.app]):
        around = one.node is screen or one.node is screen.app
        group = everywhere if around else here if one.ours else focused
        if one.keys and not one.action.startswith("go(") and one.action != "press":
            rows[group].append((one.keys, one.told))
    rows[everywhere].append(("1 to 6", "Go to that step"))
    return [(group, found) for group, found in rows.items() if found]
