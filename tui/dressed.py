"""What each app of ours shows alike: themes that follow the terminal, no colours where none are wanted, set keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.driver import Driver
from textual.filter import LineFilter, Monochrome

from . import colourless
from .background import Ground
from .incoming import BackgroundKnown, PasteLost
from .preferences import Resolved
from .themes import MUTED, THEMES, chosen


class Dressed(App[Any]):
    """`dress` is called at the end of `__init__`."""

    def dress(self, settings: Resolved | None, *, light: bool, theme: str = "") -> None:
        """`settings`: what a person set; `light`: the terminal's background is; `theme`: that one, whatever is set."""
        self.no_color = colourless.wanted()  # the style sheet's :nocolor
        self._colourless = [colourless.Colourless()]
        self.ground = Ground()
        self.settings = settings or Resolved()
        self.light = light
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme or chosen(self.settings.preferences.theme, light=light)

    def get_driver_class(self) -> type[Driver]:
        found = super().get_driver_class()
        if found.__name__ == "LinuxDriver":
            from .terminal import TerminalDriver

            return TerminalDriver
        return found

    def get_line_filters(self) -> Sequence[LineFilter]:
        if self.no_color:
            return self._colourless
        return [known for known in super().get_line_filters() if not isinstance(known, Monochrome)]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"muted": MUTED}

    def preview(self, theme: str) -> None:
        """Shows the theme that a setting means here."""
        self.theme = chosen(theme, light=self.light)

    def on_background_known(self, event: BackgroundKnown) -> None:
        self.light = event.light
        self.preview(self.settings.preferences.theme)

    def on_paste_lost(self, event: PasteLost) -> None:
        self.notify(event.why, severity="warning", markup=False)

    def bind_keys(self) -> None:
        """As a person set them."""
        chosen_keys = self.settings.preferences.keys
        if chosen_keys or self._keymap:
            from .preferences.keys import keymap

            self.set_keymap(keymap(chosen_keys))

    def action_next_theme(self) -> None:
        names = [theme.name for theme in THEMES]
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]

    async def show(self) -> None:
        """Runs to its end, with or without the mouse."""
        await self.run_async(mouse=self.settings.preferences.mouse)
