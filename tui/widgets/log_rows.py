"""The rows that the lines of a log take on the screen, and going from one to another.

A place is a line's first byte and a row of that line, so nothing that comes or is folded above can move it, and no
line has to be counted before it is drawn.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from textual.strip import Strip

from . import log_text

if TYPE_CHECKING:
    from .log_lines import LogLines

KEPT = 512  # lines whose rows are remembered
LAST_ROW = 1 << 30  # of a line, whatever it has

Place = tuple[int, int]  # the offset of a line, and which of its rows


class LogRows:
    """Made when they are asked for: from the view's log, in its room, from its `top`."""

    def __init__(self, view: LogLines) -> None:
        self._view = view
        self.widest = 0  # cells, of what was seen so far
        self._kept: OrderedDict[int, list[Strip]] = OrderedDict()
        self._visible: list[tuple[Place, Strip]] | None = None
        self._bottom: Place | None = None

    def moved(self) -> None:
        """The same lines are seen from another place."""
        self._visible = None

    def stale(self, *, texts: bool = False) -> None:
        """There is another room, or other lines; with `texts` they look different, too."""
        if texts:
            self._kept.clear()
        self._visible = self._bottom = None

    def forget(self, line: int) -> None:
        self._kept.pop(line, None)

    def of(self, line: int) -> list[Strip]:
        kept = self._kept.get(line)
        if kept is None:
            view = self._view
            whole = view.drawn(line)
            self.widest = max(self.widest, whole.cell_length)
            kept = log_text.rows(whole, view.columns) if view.wrap else [whole]
            if view.store.end_of(line) < view.store.size:  # else it may still grow
                self._kept[line] = kept
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return kept

    def visible(self) -> list[tuple[Place, Strip]]:
        """From the top of the screen to its end."""
        if self._visible is None:
            height = self._view.area.height
            rows: list[tuple[Place, Strip]] = []
            line, skip = self._view.top
            following = line if self._some() else None
            while following is not None and len(rows) < height:
                line, strips = following, self.of(following)
                rows += [((line, row), strips[row]) for row in range(min(skip, len(strips) - 1), len(strips))]
                following, skip = self._view.lines.next(line), 0
            self._visible = rows[:height]
        return self._visible

    def _some(self) -> bool:
        filtered = self._view.filtered
        return self._view.store.size > 0 if filtered is None else len(filtered) > 0

    @property
    def bottom(self) -> Place:
        """The top when the last row is on the screen."""
        if self._bottom is None:
            self._bottom = self.before((self._view.lines.last(), LAST_ROW), self._view.area.height - 1)
        return self._bottom

    def before(self, place: Place, rows: int) -> Place:
        """So many rows before; the first one where there are not as many."""
        line, row = place
        row = min(row, len(self.of(line)) - 1) - max(0, rows)
        while row < 0:
            earlier = self._view.lines.previous(line)
            if earlier is None:
                return line, 0
            line = earlier
            row += len(self.of(line))
        return line, row

    def after(self, place: Place, rows: int) -> Place:
        line, row = place[0], place[1] + rows
        while row >= (count := len(self.of(line))):
            later = self._view.lines.next(line)
            if later is None:
                return line, count - 1
            line, row = later, row - count
        return line, row
