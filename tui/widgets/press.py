"""The one kind of button: one line high, and ready again at once."""

from __future__ import annotations

from typing import Any

from textual.widgets import Button


class Press(Button):
    """Textual's own ignores Enter for 0.2 s after a press; a quick walk by Enter would lose keys."""

    def __init__(self, label: str, *, id: str, variant: Any = "default") -> None:
        super().__init__(label, id=id, variant=variant, compact=True)
        self.active_effect_duration = 0
