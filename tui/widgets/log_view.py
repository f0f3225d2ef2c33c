"""A log to live in: it follows or stands still, and never jumps.

Lines are drawn from the store only when they are visible. What arrives is taken
in at once and drawn at most 20 times a second.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui import untrusted

from .log_store import LogStore

DRAW_EVERY_S = 0.05


class LogView(ScrollView, can_focus=True):
    """Follows its end until somebody scrolls up. Posts `Moved` when what its title says has changed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--hit", "log--line"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False, id="log.down"),
        Binding("k", "scroll_up", "Up", show=False, id="log.up"),
        Binding("g", "scroll_home", "First line", show=False, id="log.first"),
        Binding("G,shift+g", "scroll_end", "Last line, follow", show=False, id="log.last"),
    ]

    follow = reactive(True)

    class Moved(Message):
        pass

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.store = LogStore()
        self.wanted = ""  # what is searched, marked in visible lines
        self.here = -1  # the line of the current hit
        self._seen = 0  # lines when following ended
        self._dirty = False
        self._width = 0
        self._line = lru_cache(maxsize=512)(self._make_line)

    def on_mount(self) -> None:
        self.set_interval(DRAW_EVERY_S, self.draw)

    def on_unmount(self) -> None:
        self.store.close()

    @property
    def unread(self) -> int:
        """Lines that arrived since following ended."""
        return 0 if self.follow else max(0, len(self.store) - self._seen)

    def clear(self) -> None:
        self.store.close()
        self.store, self.wanted, self.here, self._width = LogStore(), "", -1, 0
        self._line.cache_clear()
        self.follow = True
        self._dirty = True

    def append(self, text: str) -> None:
        self.store.append(text)
        self._width = max(self._width, min(max(map(len, text.split("\n"))), 4000))
        self._dirty = True

    def draw(self) -> None:
        """Shows what has arrived since the last time."""
        if not self._dirty or not self.is_attached:
            return
        self._dirty = False
        self._line.cache_clear()
        self.virtual_size = Size(self._width, len(self.store))
        if self.follow:
            self._to_end()
            self.call_after_refresh(self._to_end)  # scrollbars that appear only now take a row and start at the top
        self.refresh()
        self.post_message(self.Moved())

    def _to_end(self) -> None:
        if not self.follow or not self.is_attached:
            return
        self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.is_attached:  # Textual skips it while the scrollbar is still hidden, and it then starts at the top
            self.vertical_scrollbar.position = new_value

    def watch_follow(self) -> None:
        self._seen = len(self.store)
        self._to_end()
        self.post_message(self.Moved())

    def on_resize(self) -> None:
        self._to_end()

    # Only a person's own scrolling changes `follow`.
    def action_scroll_up(self) -> None:
        self.follow = False
        super().action_scroll_up()

    def action_page_up(self) -> None:
        self.follow = False
        super().action_page_up()

    def action_scroll_home(self) -> None:
        self.follow = False
        self.scroll_to(y=0, animate=False)

    def action_scroll_end(self) -> None:
        self.follow = True

    def action_scroll_down(self) -> None:
        super().action_scroll_down()
        self.call_after_refresh(self._at_end)

    def action_page_down(self) -> None:
        super().action_page_down()
        self.call_after_refresh(self._at_end)

    def on_mouse_scroll_up(self) -> None:
        self.follow = False

    def on_mouse_scroll_down(self) -> None:
        self.call_after_refresh(self._at_end)

    def _at_end(self) -> None:
        if self.max_scroll_y and self.scroll_target_y >= self.max_scroll_y:
            self.follow = True

    def show_line(self, number: int) -> None:
        """Brings a search hit to the middle; following ends, the column stays."""
        self.follow, self.here = False, number
        self._line.cache_clear()
        top = max(0, min(number - self.size.height // 2, self.max_scroll_y))
        self.scroll_to(y=top, animate=False, immediate=True, force=True)
        self.refresh()

    def mark(self, wanted: str) -> None:
        self.wanted, self.here = wanted, -1
        self._line.cache_clear()
        self.refresh()

    def _make_line(self, number: int) -> tuple[list[Segment], int]:
        found = self.store.lines(number, 1)
        if not found:
            return [], 0
        text = untrusted.line(found[0][:4000])
        if self.wanted:
            hit = self.get_component_rich_style("log--hit", partial=True)
            lowered, wanted = text.plain.lower(), self.wanted.lower()
            at = lowered.find(wanted)
            while at >= 0:
                text.stylize(hit + Style(bold=number == self.here, underline=number == self.here), at, at + len(wanted))
                at = lowered.find(wanted, at + len(wanted))
        return list(text.render(self.app.console)), cell_len(text.plain)

    def render_line(self, y: int) -> Strip:
        x, top = self.scroll_offset
        segments, width = self._line(top + y)
        base = self.rich_style
        strip = Strip(Segment.apply_style(segments, base), width)
        return strip.crop_extend(x, x + self.size.width, base)

    def shown(self) -> str:
        """The visible lines as plain text."""
        top = self.scroll_offset.y
        return untrusted.plain(self.store.text(top, self.size.height))
