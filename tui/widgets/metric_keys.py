"""The keys of the panel of metrics, and its mouse: what they change of how the metrics are looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from textual import events as happened
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.widget import Widget

from .metric_board import GUTTER, Board
from .metric_view import PAN, ZOOM, View


class MetricKeys(Widget):
    """Posts `Wanted` for what takes a dialogue: which curves, which earlier run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "want('curves')", "Curves", id="metrics.curves"),
        Binding("e", "want('earlier')", "Earlier run", id="metrics.earlier_run"),
        Binding("l", "log", "Log scale of y", show=False, id="metrics.log"),
        Binding("s", "smooth", "Smoothing: none, 0.6, 0.9", show=False, id="metrics.smooth"),
        Binding("h", "axis", "Steps, time or clock below", show=False, id="metrics.axis"),
        Binding("a", "together", "All in one plot, or apart", show=False, id="metrics.together"),
        Binding("enter", "alone", "This metric alone, and back", show=False, id="metrics.alone"),
        Binding("up,k", "choose(-1)", "Metric before", show=False, id="metrics.metric_before"),
        Binding("down,j", "choose(1)", "Metric after", show=False, id="metrics.metric_after"),
        Binding("left", "read(-1)", "Read off: to the left", show=False, id="metrics.read_left"),
        Binding("right", "read(1)", "Read off: to the right", show=False, id="metrics.read_right"),
        Binding("shift+left", "read(-10)", "Read off: far to the left", show=False, id="metrics.read_far_left"),
        Binding("shift+right", "read(10)", "Read off: far to the right", show=False, id="metrics.read_far_right"),
        Binding("plus,equals_sign", "zoom(True)", "Zoom in", show=False, id="metrics.zoom_in"),
        Binding("minus", "zoom(False)", "Zoom out", show=False, id="metrics.zoom_out"),
        Binding(
            "left_square_bracket",
            "pan(-1)",
            "Move to the left",
            show=False,
            key_display="[",
            id="metrics.pan_left",
        ),
        Binding(
            "right_square_bracket",
            "pan(1)",
            "Move to the right",
            show=False,
            key_display="]",
            id="metrics.pan_right",
        ),
        Binding("0", "all", "Everything again", show=False, id="metrics.all"),
    ]

    @dataclass
    class Wanted(Message):
        what: str  # "curves" or "earlier"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.view = View()
        self.chosen = ""
        self.alone = False  # the chosen metric has all the room
        self.places: list[tuple[Region, str]] = []  # where each plot is, and its first metric

    # What the panel fills in.

    @property
    def keys(self) -> list[str]:
        """All metrics."""
        raise NotImplementedError

    @property
    def shown(self) -> list[str]:
        """Those that have a curve."""
        raise NotImplementedError

    def board(self) -> Board:
        raise NotImplementedError

    def again(self) -> None:
        """Draws at once."""
        raise NotImplementedError

    # The keys.

    def look(self, view: View) -> None:
        """Looks at it so from now on."""
        self.view = view
        self.again()

    def _anything(self) -> bool:
        if self.shown:
            return True
        self._say("No metric was logged yet" if not self.keys else "No curve is chosen: v chooses")
        return False

    def _say(self, text: str) -> None:
        self.notify(text, timeout=4, markup=False)

    def choose_next(self, by: int = 1) -> bool:
        """The next metric is the chosen one; False where there is none."""
        shown = self.shown
        if not shown:
            return False
        self.chosen = shown[(shown.index(self.chosen) + by) % len(shown)] if self.chosen in shown else shown[0]
        self.again()
        return True

    def action_choose(self, by: int) -> None:
        if self._anything():
            self.choose_next(by)

    def action_alone(self) -> None:
        if not self._anything():
            return
        if not (self.alone or self.view.together) and len(self.places) == 1:
            self._say("It is alone" if len(self.shown) == 1 else "There is room for one only: z makes the panel larger")
            return
        self.alone = not self.alone
        self.again()

    def action_want(self, what: str) -> None:
        self.post_message(self.Wanted(what))

    def action_log(self) -> None:
        self.look(replace(self.view, log=not self.view.log))

    def action_smooth(self) -> None:
        self.look(self.view.smoother())

    def action_axis(self) -> None:
        self.look(self.view.other_axis())

    def action_together(self) -> None:
        self.look(replace(self.view, together=not self.view.together))

    def action_zoom(self, closer: bool) -> None:
        if not self._anything():
            return
        view = self.view.zoomed(self.board().extent(), ZOOM if closer else 1 / ZOOM)
        if view == self.view:
            self._say("This is as close as it goes" if closer else "All of it is shown")
        self.look(view)

    def action_pan(self, by: int) -> None:
        view = self.view.panned(self.board().extent(), by * PAN)
        if view == self.view:
            self._say("All of it is shown: + zooms in" if view.shown is None else "This is the end of it")
        self.look(view)

    def action_all(self) -> None:
        if self.view.shown is None and self.view.cursor is None:
            self._say("All of it is shown")
        self.look(replace(self.view, shown=None, cursor=None))

    def action_read(self, by: int) -> None:
        """To the next value of the chosen metric, or a column of the plot further where they stand closer."""
        if not self._anything():
            return
        board = self.board()
        low, high = self.view.shown or board.extent()
        column = (high - low) / max(1, self.content_size.width - GUTTER - 2)
        here = self.view.cursor
        self._read_at(high if here is None else board.beside(here + by * column, by > 0))

    def _read_at(self, x: float) -> None:
        view = self.view.at(x, self.board().extent())
        if view == self.view:
            self._say("This is the end of it")
        self.look(view)

    # The mouse.

    def on_click(self, event: happened.Click) -> None:
        """Reads off where it was clicked; the metric there is the chosen one."""
        at = event.get_content_offset(self)
        for place, key in self.places:
            if at is not None and place.contains(at.x, at.y):
                self.chosen = self.chosen if self.view.together else key
                board = self.board()
                low, high = self.view.shown or board.extent()
                part = (at.x - place.x - GUTTER - 1) / max(1, place.width - GUTTER - 3)
                self._read_at(board.beside(low + (high - low) * min(max(part, 0.0), 1.0), False))
                return

    def on_mouse_scroll_up(self, event: happened.MouseScrollUp) -> None:
        event.stop()
        self.action_zoom(True)

    def on_mouse_scroll_down(self, event: happened.MouseScrollDown) -> None:
        event.stop()
        self.action_zoom(False)
