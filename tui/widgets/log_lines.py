"""The lines of a log on the screen: those that are visible, and no others, are read, made harmless and drawn.

The place is a line's first byte and a row of that line, so nothing that comes or is folded above can move it, and no
line has to be counted before it is drawn. What arrives is taken in at once and drawn at most 20 times a second.
"""

from __future__ import annotations

import time
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui import words

from . import log_text
from .log_match import Matcher
from .log_rows import LogRows, Place
from .log_scan import Filtered
from .log_store import LogStore
from .log_times import LogTimes

DRAW_EVERY_S = 0.05
COUNTED, TURN_S = 1 << 21, 0.01  # bytes of a file whose lines are counted at once; then others get a turn
GUTTER = 9  # columns of a time
MARK, NO_MARK = "▌", " "


class LogLines(ScrollView, can_focus=True):
    """`top`: what is at the top. `follow`: the end is shown. Posts `Moved` when what a title says has changed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--hit", "log--marked", "log--time"}
    DEFAULT_CSS = "LogLines { overflow-y: scroll; }"  # the bar is always there: lines are not folded anew for it
    follow = reactive(True)

    class Moved(Message):
        pass

    def __init__(self, store: LogStore | None = None, *, id: str) -> None:
        super().__init__(id=id)
        self.store = LogStore() if store is None else store
        self.times = LogTimes()
        self.matcher: Matcher | None = None  # what is searched, marked in visible lines
        self.here = -1  # the line of the current hit
        self.wrap = False
        self.timed = False  # times
        self.filtered: Filtered | None = None
        self.marked: tuple[int, int] | None = None  # lines: where marking began, and the cursor
        self.top: Place = (0, 0)
        self._seen = 0  # bytes when following ended
        self._drawn = (-1, -1)
        self._folded = 1  # the width that `top` was folded at
        self._fitted = Size(0, 0)
        self._covered = 0
        self._title = ""
        self._base = Style()
        self.rows = LogRows(self)

    def on_mount(self) -> None:
        self.set_interval(DRAW_EVERY_S, self.draw)
        self.draw()

    def on_unmount(self) -> None:
        self.store.close()

    # What is shown.

    @property
    def lines(self) -> LogStore | Filtered:
        return self.store if self.filtered is None else self.filtered

    @property
    def unread(self) -> int:
        """Lines that arrived since following ended."""
        return 0 if self.follow or self.store.counted < self._seen else self.lines.arrived(self._seen)

    def show(self, store: LogStore) -> None:
        """Another log: nothing of the old one stays but how it is looked at."""
        self.store.close()
        self.store, self.times = store, LogTimes()
        self.matcher, self.here, self.filtered, self.marked = None, -1, None, None
        self.top, self._seen, self._drawn = (0, 0), 0, (-1, -1)
        self.rows = LogRows(self)
        self.changed(texts=True)
        self.follow = True

    def clear(self) -> None:
        self.show(LogStore())

    def append(self, text: str) -> None:
        self.store.append(text)

    def draw(self) -> None:
        """Shows what has arrived since the last time."""
        if not self.is_attached:
            return
        end = time.monotonic() + TURN_S
        while self.store.counted < self.store.size and self.store.count(COUNTED) and time.monotonic() < end:
            pass
        now = (self.store.size + self.store.counted, len(self.lines))
        if self._fitted != self.area:
            self._fit()
        elif now != self._drawn:
            self.changed()
        self._drawn = now

    def entitle(self, title: str) -> None:
        """`title`: markup. The same one draws nothing."""
        if title != self._title:
            self._title = self.border_title = title

    def changed(self, *, texts: bool = False) -> None:
        """Lines are drawn anew; with `texts` made anew, too."""
        self.rows.stale(texts=texts)
        if not self.is_attached:
            return
        if self.follow:
            self.top = self.rows.bottom
        self._tell_bars()
        self.refresh()
        self.post_message(self.Moved())

    def drawn(self, line: int) -> Strip:
        """All of a line, with the hits in it marked."""
        text = log_text.text_of(self.store, line)
        if self.matcher is not None:
            hit = self.get_component_rich_style("log--hit", partial=True)
            hit += Style(bold=line == self.here, underline=line == self.here)
            for begin, end in self.matcher.spans(text.plain):
                text.stylize(hit, begin, end)
        return log_text.strip_of(text, text.render(self.app.console))

    @property
    def area(self) -> Size:
        """What the bars leave, and what lies over the last rows."""
        size = self.scrollable_content_region.size
        covered = max(0, self._covered - self.show_horizontal_scrollbar)
        return Size(size.width, max(1, size.height - covered)) if covered else size

    def cover(self, rows: int) -> None:
        """Something lies over so many rows at the bottom, the bar's too: the last line is above it.

        The next `draw` shows that: what lies there is not kept waiting.
        """
        if rows != self._covered:
            self._covered = rows
            self.rows.stale()

    @property
    def columns(self) -> int:
        """For the text, beside the mark and the times."""
        return max(1, self.area.width - (GUTTER if self.timed else 0) - (1 if self.marked else 0))

    def render_lines(self, crop: Region) -> list[Strip]:
        self._base = self.rich_style  # once for all of them: it asks everything around
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        base = self._base
        rows = self.rows.visible()
        if y >= len(rows):
            return Strip.blank(self.area.width, base)
        (line, row), strip = rows[y]
        if self._is_marked(line):
            base += self.get_component_rich_style("log--marked", partial=True)
        x = 0 if self.wrap else round(self.scroll_x)
        text = Strip(Segment.apply_style(strip, base), strip.cell_length).crop_extend(x, x + self.columns, base)
        return Strip.join([*self._beside(line, row, base), text])

    def _beside(self, line: int, row: int, base: Style) -> list[Strip]:
        beside = []
        if self.marked:
            beside.append(Strip([Segment(MARK if self._is_marked(line) else NO_MARK, base)], 1))
        if self.timed:
            when = self.times.of(line) if row == 0 else None
            dim = base + self.get_component_rich_style("log--time", partial=True)
            said = words.clock(when) if when is not None else ""
            beside.append(Strip([Segment(f"{said:<{GUTTER}}", dim)], GUTTER))
        return beside

    def _is_marked(self, line: int) -> bool:
        return self.marked is not None and min(self.marked) <= line <= max(self.marked)

    def visible_lines(self) -> list[int]:
        return list(dict.fromkeys(line for (line, _), _ in self.rows.visible()))

    def shown(self) -> str:
        """The visible lines as plain text."""
        return "\n".join(log_text.visible(self.store, line) for line in self.visible_lines())

    # Places.

    def _go(self, place: Place) -> None:
        """Puts this row at the top, or the last screen where there is less below."""
        self.top = min(place, self.rows.bottom)
        self.rows.moved()
        self._tell_bars()
        self.refresh()
        self.post_message(self.Moved())

    # Bars. What they say is a share: bytes of a log, lines of a filtered one.

    def _tell_bars(self) -> None:
        self.rows.visible()
        height = self.area.height
        below = self.lines.share(self.rows.bottom[0])
        rows = len(self.lines) if self.store.counted == self.store.size else self.store.size // 80
        rows = max(rows, height + 1) if self.rows.bottom > (self.lines.near(0), 0) else min(rows, height)
        if rows > 20 * height:
            rows = int(float(f"{rows:.1e}"))  # nobody sees the difference, and the screen is not laid out for it
        width = 1 if self.wrap else self.rows.widest + self.area.width - self.columns
        if self.virtual_size != (wanted := Size(width, rows)):
            self.virtual_size = wanted
            self.call_after_refresh(self._fit)
        share = self.lines.share(self.top[0]) / below if below else float(self.top >= self.rows.bottom)
        if self.top < self.rows.bottom:
            share = min(share, 1 - 1 / max(2, self.max_scroll_y))
        self.scroll_y = self.scroll_target_y = self.max_scroll_y if self.follow else round(share * self.max_scroll_y)
        self.vertical_scrollbar.position = self.scroll_y

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The place is `top`; this only moves the bar."""

    def watch_follow(self) -> None:
        self._seen = self.store.size
        self.changed()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        """To the room that there is; no event tells of a bar that came or went and takes some."""
        if self.area == self._fitted:
            self._tell_bars()
            return
        self._fitted = self.area
        self.rows.stale()
        if self.wrap and self._folded != self.columns:
            self._fold(self._folded)
        self._folded = self.columns
        if not self.follow:
            self.top = min(self.top, self.rows.bottom)
        self.changed()

    def _fold(self, before: int) -> None:
        """The character at the top stays there."""
        cell = self.top[1] * before
        self.rows.stale(texts=True)
        self.top = (self.top[0], min(cell // self.columns, len(self.rows.of(self.top[0])) - 1))

    def set_wrap(self, wrap: bool) -> None:
        self.wrap, self._folded = wrap, self.columns
        self.top = (self.top[0], 0)
        self.changed(texts=True)

    def set_timed(self, timed: bool) -> None:
        self.timed = timed
        self.refit()

    def refit(self) -> None:
        """Something beside the text came or went."""
        self._fitted = Size(0, 0)
        self._fit()
