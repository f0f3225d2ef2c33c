"""The keys of where you are, in the last line of a screen: one widget, drawn anew only when they have changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.content import Content
from textual.events import Leave, MouseDown, MouseMove
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget


@dataclass(frozen=True)
class ShownKey:
    """`display`: how the key is written; `x`: its first column; `on`: whether it does something now."""

    key: str
    display: str
    does: str
    x: int
    on: bool

    @property
    def right(self) -> int:
        return self.x + cell_len(self.display) + 1 + cell_len(self.does)


class KeyLine(Widget):
    """Bindings that have `show`, as far as there is room for whole ones. A click is the key."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key", "key-line--does", "key-line--pointed"}
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom; height: 1; text-wrap: nowrap; color: $footer-foreground; background: $footer-background;
        .key-line--key { color: $footer-key-foreground; background: $footer-key-background; text-style: bold; }
        .key-line--does { color: $footer-description-foreground; background: $footer-description-background; }
        .key-line--pointed { background: $block-hover-background; }
    }
    """
    keys: reactive[tuple[ShownKey, ...]] = reactive(())
    pointed: reactive[str] = reactive("")  # the key below the mouse

    def on_mount(self) -> None:
        self._due = False
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _changed(self, screen: Screen[Any]) -> None:
        """Looks once for all changes up to the next frame."""
        if screen.app.app_focus and not self._due:
            self._due = True
            self.call_after_refresh(self.look)

    def look(self) -> None:
        self._due = False
        if self.is_attached and self.screen.is_attached:
            self.keys = self.found()

    def found(self) -> tuple[ShownKey, ...]:
        found: dict[str, ShownKey] = {}  # by action: of several keys the first is shown
        x = 0
        for _, binding, on, _ in self.screen.active_bindings.values():
            if binding.show and binding.action not in found:
                written = self.app.get_key_display(binding)
                one = ShownKey(binding.key, written, binding.description, x, on)
                found[binding.action], x = one, one.right + 1
        return tuple(found.values())

    def render(self) -> Content:
        key, does, pointed = (
            self.get_visual_style(f"key-line--{part}", partial=True) for part in ("key", "does", "pointed")
        )
        parts = []
        for one in self._that_fit():
            written = Content(one.display).stylize(key) + Content(f" {one.does}").stylize(does)
            if not one.on:
                written = written.stylize("dim")
            parts.append(written.stylize(pointed) if one.key == self.pointed else written)
        return Content(" ").join(parts)

    def _that_fit(self) -> list[ShownKey]:
        return [one for one in self.keys if one.right <= self.size.width]

    def _at(self, x: int) -> ShownKey | None:
        return next((one for one in self._that_fit() if one.x <= x < one.right), None)

    def on_mouse_move(self, event: MouseMove) -> None:
        there = self._at(event.x)
        self.pointed = there.key if there else ""

    def on_leave(self, _event: Leave) -> None:
        self.pointed = ""

    def on_mouse_down(self, event: MouseDown) -> None:
        there = self._at(event.x)
        if there is None:
            return
        if there.on:
            self.app.simulate_key(there.key)
        else:
            self.app.bell()
