"""Metrics: each one's value as text, and the curve of the chosen one.

The plot (textual-plot, which needs numpy) is imported when the first value is to
be drawn; it is redrawn at most four times a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from core.events import Metric
from tui import words

from .series import Series, name, thinned

if TYPE_CHECKING:
    from textual_plot import PlotWidget

DRAW_EVERY_S = 0.25
SHOWN = 6  # metrics listed as text


class MetricChart(Vertical):
    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.series: dict[str, Series] = {}
        self.chosen = ""
        self._dirty = False
        self._drawing = False  # mounting the plot takes a while
        self._plot: PlotWidget | None = None

    def compose(self) -> ComposeResult:
        yield Static("No metric yet: they appear as the job logs them.", id="values")

    def on_mount(self) -> None:
        self.border_title = "Metrics"
        self.set_interval(DRAW_EVERY_S, self.draw)

    def clear(self) -> None:
        self.series, self.chosen, self._dirty = {}, "", True

    def add(self, metric: Metric) -> None:
        key = name(metric)
        self.series.setdefault(key, Series()).add(metric.step, metric.value)
        self.chosen = self.chosen or key
        self._dirty = True

    def choose_next(self) -> bool:
        """The next metric is drawn; False where there is none."""
        if not self.series:
            return False
        keys = list(self.series)
        self.chosen = keys[(keys.index(self.chosen) + 1) % len(keys)]
        self._dirty = True
        return True

    async def draw(self) -> None:
        if not self._dirty or not self.display or self._drawing:
            return
        self._dirty, self._drawing = False, True
        try:
            await self._draw_all()
        finally:
            self._drawing = False

    async def _draw_all(self) -> None:
        self.query_one("#values", Static).update(self._texts())
        if self.series and self.size.height >= 6:
            await self._draw_plot()

    def _texts(self) -> Content:
        if not self.series:
            return Content("No metric yet: they appear as the job logs them.")
        if self.size.height < 14:
            return Content("   ").join([self._short(key) for key in self._listed()])
        return Content("\n").join([self._long(key) for key in self._listed()])

    def _short(self, key: str) -> Content:
        text = f"{'▸ ' if key == self.chosen else ''}{key} {words.number(self.series[key].last)}"
        return Content.styled(text, "bold" if key == self.chosen else "")

    def _long(self, key: str) -> Content:
        series, here = self.series[key], key == self.chosen
        width = max(len(known) for known in self.series)
        low, high = series.best
        text = f"{'▸' if here else ' '} {key:<{width}}  {words.number(series.last):>8}"
        rest = f"  {words.number(low)} to {words.number(high)}"
        return Content.assemble((text, "bold" if here else ""), (rest, "$muted"))

    def _listed(self) -> list[str]:
        keys = list(self.series)
        at = max(0, min(keys.index(self.chosen) - SHOWN + 1, len(keys) - SHOWN))
        return keys[at : at + SHOWN]

    async def _draw_plot(self) -> None:
        plot = self._plot or await self._make_plot()
        xs, ys = thinned(self.series[self.chosen], max(plot.size.width, 20))
        plot.clear()
        self.border_title = f"Metrics · {self.chosen} · step {self.series[self.chosen].steps[-1]:.0f}"
        if not ys:
            return
        low, high = min(ys), max(ys)
        room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
        plot.set_xlimits(min(xs), max(max(xs), min(xs) + 1))
        plot.set_ylimits(low - room, high + room)
        plot.plot(xs, ys, line_style=self._colour(), hires_mode=self._hires())

    async def _make_plot(self) -> PlotWidget:
        from textual_plot import PlotWidget

        plot = PlotWidget(id="plot", allow_pan_and_zoom=False)
        plot.can_focus = False  # its keys would crowd out those of the screen
        await self.mount(plot)
        plot.margin_top, plot.margin_bottom, plot.margin_left = 0, 1, 8
        self._plot = plot
        plot.refresh(layout=True)
        return plot

    def on_canvas_resize(self) -> None:
        """textual-plot looks at its canvases once after a layout; one that gets its size later would stay as it was."""
        if self._plot is not None:
            self._plot.refresh(layout=True)

    def _hires(self) -> Any:
        from textual_hires_canvas import HiResMode

        return HiResMode.BRAILLE

    def _colour(self) -> str:
        return self.app.theme_variables.get("accent", "white")
