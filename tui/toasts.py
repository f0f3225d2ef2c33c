"""Short notices at the edge of the screen: few at a time, equal ones counted, never over the field one types in; and
all that was said, to be read again.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.app import App
from textual.notifications import Notification, Notify
from textual.widgets._toast import ToastHolder, ToastRack

from .keys import in_field

KEPT = 200  # of what was said
OTHERS = ("warning", "error")


@dataclass
class Said:
    at: float  # seconds since the epoch, of the last time
    text: str
    severity: str
    count: int = 1


class Toasts(App[Any]):
    """At most two notices: the newest answer to a key, and the newest warning or error, which it does not push away."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.said: deque[Said] = deque(maxlen=KEPT)  # the newest last
        self._shown: dict[str, Said] = {}  # by the notification's identity

    def on_notify(self, event: Notify) -> None:
        """Before Textual adds it."""
        new = event.notification
        said = self._note(f"{new.title}: {new.message}" if new.title else new.message, new.severity)
        if said.count > 1:
            new.message = f"{new.message} (×{said.count})"
        gone = [old for old in self._notifications if self._replaces(said, new, old)]
        self._shown = {old.identity: self._shown[old.identity] for old in self._notifications if old not in gone}
        self._shown[new.identity] = said
        ids = {ToastRack._toast_id(old) for old in gone}
        for old in gone:
            self._unnotify(old, refresh=False)
        for screen in self.screen_stack[-1:]:
            for holder in screen.query(ToastHolder).results():
                if holder.id in ids:
                    holder.remove()
        self._place()

    def _note(self, text: str, severity: str) -> Said:
        """What is said; the same once more while it is shown is counted."""
        for old in self._notifications:
            known = self._shown.get(old.identity)
            if known is not None and (known.text, known.severity) == (text, severity):
                known.at, known.count = time.time(), known.count + 1
                return known
        self.said.append(Said(time.time(), text, severity))
        return self.said[-1]

    def _replaces(self, said: Said, new: Notification, old: Notification) -> bool:
        same = self._shown.get(old.identity) is said
        return same or (old.severity in OTHERS) == (new.severity in OTHERS)

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        self._place()

    def _place(self) -> None:
        """At the bottom, or at the top where one types in the lower half. While the program ends there is no screen."""
        for screen in self.screen_stack[-1:]:
            field = screen.focused if in_field(screen) else None
            low = field is not None and 2 * field.cursor_screen_offset.y >= self.size.height  # type: ignore[attr-defined]
            for rack in screen.query(ToastRack).results():
                rack.set_class(low, "-top")
