"""Keys take effect in the order they were typed, also when a whole burst of them comes in one read.

Textual puts text into the field that has the focus at once, but lets every other key climb through the message
queues of all that is around it: what was typed after it is there first, and `ctrl+u` then deletes it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from textual import events
from textual.app import App
from textual.widget import Widget
from textual.widgets import Input

PATIENCE_S = 1.0  # for a widget that has gone, or has work to do


class OrderedKeys(App[Any]):
    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            if not self.screen.is_mounted:  # its bindings act on widgets that are not there yet
                await _caught_up(self.screen)
            if await self._acted(event):
                return
        await super().on_event(event)

    async def _acted(self, key: events.Key) -> bool:
        """Whether a binding took the key; then all that followed from it in a field has happened."""
        focused = self.focused
        in_field = isinstance(focused, Input)
        if in_field and key.is_printable:
            return False
        if in_field and focused is not None:
            await _caught_up(focused)
        # private to Textual, tests/tui/test_bursts.py guards it
        if not await self._check_bindings(key.key, priority=True) and not await self._check_bindings(key.key):
            return False
        if in_field and focused is not None:
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
