"""A log to live in: it follows or stands still, and never jumps. What a person's keys and mouse do to it."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp

from .log_lines import LogLines
from .log_match import Matcher
from .log_rows import LAST_ROW, Place
from .log_scan import Filtered

WHEEL, SIDE = 3, 8  # rows and columns


class LogView(LogLines):
    """Follows its end until somebody scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False, id="log.down"),
        Binding("k", "scroll_up", "Up", show=False, id="log.up"),
        Binding("g", "scroll_home", "First line", show=False, id="log.first"),
        Binding("G,shift+g", "scroll_end", "Last line, follow", show=False, key_display="G", id="log.last"),
        Binding("h", "scroll_left", "Left", show=False, id="log.left"),
        Binding("l", "scroll_right", "Right", show=False, id="log.right"),
        Binding("0", "scroll_first_column", "First column", show=False, id="log.first_column"),
    ]

    # Going somewhere.

    def move(self, rows: int) -> None:
        """By a person: upwards pauses, down to the end follows."""
        if rows < 0:
            self.follow = False
            self._go(self.rows.before(self.top, -rows))
        elif not self.follow:
            place = self.rows.after(self.top, rows)
            if place >= self.rows.bottom:
                self.follow = True
            else:
                self._go(place)

    def show_line(self, line: int) -> None:
        """Brings a line to the middle, unless it is on the screen; following ends, the column stays."""
        self.follow = False
        if line not in self.visible_lines():
            self._go(self.rows.before((line, 0), self.area.height // 2))
        self.changed()

    def go_to(self, line: int) -> None:
        """Puts a line, or the next that is shown, at the top; following ends."""
        self.follow = False
        self._extend(self.lines.near(line))
        self._go((self.lines.near(line), 0))

    def show_hit(self, line: int) -> None:
        self.rows.forget(self.here)
        self.rows.forget(line)
        self.here = line
        self.show_line(line)

    def mark_hits(self, matcher: Matcher | None) -> None:
        self.matcher, self.here = matcher, -1
        self.changed(texts=True)

    def filter(self, filtered: Filtered | None, place: Place) -> None:
        """Only the lines that match, or all again; `place` is then at the top, unless it follows."""
        self.filtered, self.marked = filtered, None
        self.replace(place)

    def replace(self, place: Place) -> None:
        """This place, or the next that is shown, at the top, unless it follows."""
        self.rows.stale()
        line = self.lines.near(place[0])
        self.top = (line, place[1] if line == place[0] else 0)
        if not self.follow:
            self.top = min(self.top, self.rows.bottom)
        self.changed()

    def restore(self, place: Place, follow: bool) -> None:
        """Back to where somebody was."""
        self.follow = follow
        self.replace(place)

    # Keys and the mouse. Only a person's own scrolling changes `follow`.

    def action_scroll_up(self) -> None:
        self._step(-1)

    def action_scroll_down(self) -> None:
        self._step(1)

    def action_page_up(self) -> None:
        self._step(1 - self.area.height)

    def action_page_down(self) -> None:
        self._step(self.area.height - 1)

    def action_scroll_home(self) -> None:
        self.follow = False
        self._extend(self.lines.near(0))
        self._go((self.lines.near(0), 0))

    def action_scroll_end(self) -> None:
        self._extend(self.lines.last())
        if self.marked is None:
            self.follow = True
        else:
            self._go(self.rows.bottom)

    def action_scroll_left(self) -> None:
        self._sideways(-SIDE)

    def action_scroll_right(self) -> None:
        self._sideways(SIDE)

    def action_scroll_first_column(self) -> None:
        self._sideways(-(1 << 30))

    def _sideways(self, columns: int) -> None:
        self.scroll_to(x=max(0, min(self.max_scroll_x, self.scroll_x + columns)), animate=False, force=True)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1)

    def _wheel(self, event: events.MouseEvent, way: int) -> None:
        event.stop()
        event.prevent_default()
        if event.ctrl or event.shift:
            self._sideways(way * SIDE)
        else:
            self.move(way * WHEEL)

    def on_scroll_up(self, event: ScrollUp) -> None:
        event.stop()
        event.prevent_default()
        self.move(1 - self.area.height)

    def on_scroll_down(self, event: ScrollDown) -> None:
        event.stop()
        event.prevent_default()
        self.move(self.area.height - 1)

    def on_scroll_to(self, event: ScrollTo) -> None:
        """The bar is dragged."""
        event.stop()
        event.prevent_default()
        if event.x is not None:
            self.scroll_to(x=event.x, animate=False, force=True)
        if event.y is not None:
            self.follow = event.y >= self.max_scroll_y
            if not self.follow:
                share = event.y / max(1, self.max_scroll_y)
                place = (self.lines.at_share(share), 0) if share > 0 else (self.lines.near(0), 0)
                self._go(place)

    # Marking lines.

    def mark_lines(self) -> bool:
        """Begins a mark at the hit that is seen, else at the first visible line; False where there is no line."""
        seen = self.visible_lines()
        if not seen:
            return False
        begin = self.here if self.here in seen else seen[-1] if self.follow else seen[0]
        self.follow = False
        self.marked = (begin, begin)
        self.refit()
        return True

    def unmark(self) -> None:
        self.marked = None
        self.refit()

    def _step(self, rows: int) -> None:
        if self.marked is None:
            self.move(rows)
            return
        line = self.marked[1]
        for _ in range(abs(rows)):
            other = self.lines.next(line) if rows > 0 else self.lines.previous(line)
            line = line if other is None else other
        self._extend(line)
        seen = self.visible_lines()
        if line < seen[0]:
            self._go((line, 0))
        elif line >= seen[-1]:
            self._go(self.rows.before((line, LAST_ROW), self.area.height - 1))

    def _extend(self, line: int) -> None:
        if self.marked is not None:
            self.marked = (self.marked[0], line)
            self.changed()

    def marked_lines(self) -> list[int]:
        """The lines between both ends of the mark, as the view goes through them."""
        if self.marked is None:
            return []
        line: int | None = min(self.marked)
        found = []
        while line is not None and line <= max(self.marked):
            found.append(line)
            line = self.lines.next(line)
        return found
