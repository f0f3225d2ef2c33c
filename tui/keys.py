"""Keys take effect in the order they were typed, also when a whole burst of them comes in one read.

Textual puts text into the field that has the focus at once, but lets every other key climb through the message
queues of all that is around it: what was typed after it is there first, and `ctrl+u` then deletes it.
"""

from __future__ import annotations

import asyncio
import re
from time import monotonic
from typing import Any

from textual import actions, events
from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

AGAIN_S = 5.0  # after that a key says again that it does nothing
TEXT = frozenset({"Input", "TextArea"})
FUNCTION = re.compile(r"f[0-9]+")
IN_BLIND = frozenset({"app.leave", "leave", "app.quit", "help", "app.help_quit", "help_quit", "suspend_process"})
SILENT = frozenset({"ctrl+c", "shift+tab"})  # they have words, or a meaning, of their own
PATIENCE_S = 1.0  # for a widget that has gone, or has work to do


def in_field(screen: Screen[Any]) -> bool:
    """Whether letters are text now."""
    if screen.focused is None:  # so it is at the first paint
        return False
    return not TEXT.isdisjoint(screen.focused._css_type_names)  # to import them would take time


class OrderedKeys(App[Any]):
    async def on_event(self, event: events.Event) -> None:
        typed = isinstance(event, events.Key | events.Paste)
        if typed and not self.screen_stack:  # the program is ending
            return
        if typed and self.blind:
            if isinstance(event, events.Key) and not event.is_forwarded:
                await self.complete()
                await self._acted_in_blind(event.key)
            return
        if isinstance(event, events.Key) and not event.is_forwarded:
            if not self.screen.is_mounted:  # its bindings act on widgets that are not there yet
                await _caught_up(self.screen)
            await self.complete()
            if await self._acted(event):
                return
        await super().on_event(event)

    @property
    def blind(self) -> bool:
        """Whether the terminal is too small to see what a key would do."""
        return bool(self.screen_stack) and bool(getattr(self.screen, "too_small", False))

    async def _acted_in_blind(self, key: str) -> None:
        """Quits, helps or suspends, also where a field would take the key; nothing else."""
        for node, bindings in self.screen._modal_binding_chain:
            for binding in bindings.key_to_bindings.get(key, ()):
                if binding.action in IN_BLIND and await self.run_action(binding.action, node):
                    return

    async def complete(self) -> None:
        """Until all is there that a key can act on."""

    async def on_key(self, event: events.Key) -> None:
        """A key that nobody took: it says so, or why, once in a while."""
        if event.key in SILENT or not (event.is_printable or "+" in event.key or FUNCTION.fullmatch(event.key)):
            return
        said = self._why_not(event.key) or self.nothing_here(event)
        now = monotonic()
        if said and (said != self._last_said or now - self._last_said_at > AGAIN_S):
            self._last_said, self._last_said_at = said, now
            self.notify(said, timeout=4, markup=False)

    _last_said, _last_said_at = "", 0.0

    def nothing_here(self, event: events.Key) -> str:
        """What is said of a key that means nothing in this place."""
        name = event.character if event.is_printable and event.character else event.key
        return f"{name!r} does nothing here."

    def _why_not(self, key: str) -> str:
        """The reason of the first action that has this key and is off: `why_not(action, parameters)` of whose it is."""
        for node, bindings in self.screen._modal_binding_chain:
            for binding in bindings.key_to_bindings.get(key, ()):
                _, action, parameters = actions.parse(binding.action)
                why = getattr(node, "why_not", None)
                if why is not None and self._check_action_state(binding.action, node) is not True:
                    return str(why(action, parameters))
        return ""

    async def _acted(self, key: events.Key) -> bool:
        """Whether a binding took the key; then all that followed from it in a field has happened."""
        focused = self.focused
        typing = in_field(self.screen)
        if typing and key.is_printable:
            return False
        if typing and focused is not None:
            await _caught_up(focused)
        # private to Textual, tests/tui/test_bursts.py guards it
        if not await self._check_bindings(key.key, priority=True) and not await self._check_bindings(key.key):
            return False
        if typing and focused is not None:
            for node in list(focused.ancestors_with_self):
                if isinstance(node, Widget):
                    await _caught_up(node)
        return True


async def _caught_up(widget: Widget) -> None:
    """Until the widget has seen what was sent to it so far."""
    done = asyncio.Event()
    if not widget.call_later(done.set):
        return
    try:
        async with asyncio.timeout(PATIENCE_S):
            await done.wait()
    except TimeoutError:
        pass
