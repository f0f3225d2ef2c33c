"""The panel of metrics: several curves, zoom, log scale, smoothing, reading off, an earlier run beside, all by keys.

What arrives is drawn at most four times a second, a key at once. A frame costs the same for a million points as
for a thousand: see `series.Blocks`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from textwrap import wrap

from rich.segment import Segment
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.geometry import Region
from textual.strip import Strip

from core.events import TERMINAL, Metric
from tui import words

from .metric_board import BOLD, EARLIER, FAINT, LEAST, WARN, Board, Metrics
from .metric_keys import MetricKeys
from .metric_view import View
from .plot import AXIS, CURSOR, PLAIN, TICK, Row
from .series import Blocks, Series, Smoothed, name

DRAW_EVERY_S = 0.25
AT_FIRST = 6  # metrics shown before somebody chooses
SLICE, LITTLE = 2_000, 500  # points smoothed in one go: some ms, and no time to speak of
EMPTY = "No metric yet: they appear as the job logs them."
NEVER = "The run logged no metric. A job logs by mlflow, or by what the tag trainshed.metrics of its job file names."
HINT = "v curves  l log  s smooth  e earlier run  h axis  a together  +- zoom  [] move  ←→ read off  0 all"
# Okabe and Ito, "Color Universal Design" (2008), on dark; darker shades of them on light.
COLOURS = {
    True: ("#56b4e9", "#e69f00", "#2fbf93", "#f0e442", "#dd92bb", "#f07b3c"),
    False: ("#0072b2", "#a35a00", "#00785a", "#7a6a00", "#a8467c", "#b83f00"),
}


class MetricChart(MetricKeys, can_focus=True):
    """What is known of the metrics of a run and of an earlier one, drawn; `MetricKeys` has its keys."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.now, self.earlier = Metrics(), Metrics()
        self.earlier_run = ""
        self.earlier_until = ""  # until when its values are known, where it goes on
        self.state = ""
        self.picked: list[str] | None = None  # None: the first few
        self._smoothed: dict[int, Smoothed] = {}  # by the id of their series
        self._behind: list[tuple[Series, Smoothed]] = []
        self._catching = False  # a worker is busy with them
        self._dirty = True
        self._drawings = 0  # begun so far
        self._strips: list[Strip] = []
        self._known_styles: dict[int, Style] = {}

    def on_mount(self) -> None:
        self.set_interval(DRAW_EVERY_S, self._draw_beside)
        self.draw()

    # What is known.

    def clear(self) -> None:
        """For another run: how it is looked at stays."""
        self.now, self.picked, self.chosen, self.alone = Metrics(), None, "", False
        self.view = replace(self.view, shown=None, cursor=None)
        self.compare("")

    def tell(self, state: str) -> None:
        """The run's state: it says why there is nothing."""
        self.state, self._dirty = state, True

    def add(self, metric: Metric) -> None:
        self.now.add(name(metric), metric.step, metric.value, metric.time)
        self._dirty = True

    def compare(self, run: str) -> None:
        """Another earlier run: its values come by `add_earlier`. "" for none."""
        self.earlier, self.earlier_run, self.earlier_until = Metrics(), run, ""
        self._smoothed.clear()
        self._dirty = True

    def add_earlier(self, metric: Metric) -> None:
        self.earlier.add(name(metric), metric.step, metric.value, metric.time)
        self._dirty = True

    @property
    def keys(self) -> list[str]:
        """Of both runs."""
        return [*self.now.series, *(key for key in self.earlier.series if key not in self.now.series)]

    @property
    def shown(self) -> list[str]:
        if self.picked is None:
            return list(islice(self.now.series or self.earlier.series, AT_FIRST))
        return [key for key in self.picked if key in self.now.series or key in self.earlier.series]

    def pick(self, keys: list[str]) -> None:
        """The curves that are shown from now on."""
        self.picked, self._dirty = keys, True
        self.draw()

    # Drawing.

    def board(self) -> Board:
        shown = self.shown
        if self.chosen not in shown:
            self.chosen = shown[0] if shown else ""
        return Board(self.now, self.earlier, self.view, shown, self.chosen, self._smooth, self.alone)

    def draw(self) -> None:
        """At once, for what a person did."""
        for _ in self._drawing():
            pass

    async def _draw_beside(self) -> None:
        """A plot at a time, for what has come: keys and the other panels have their turns between."""
        for _ in self._drawing():
            await asyncio.sleep(0)

    def _drawing(self) -> Iterator[None]:
        """Draws what has changed, in steps. One that is begun later takes its place."""
        if not self._dirty or not self.size or not self.is_on_screen:
            return
        self._dirty = False
        self._drawings += 1
        mine, strips = self._drawings, list[Strip]()
        for part in self._drawn():
            strips += part
            yield
            if mine != self._drawings:
                return
        self._strips = strips
        self.refresh()

    def _drawn(self) -> Iterator[list[Strip]]:
        """The lines, in parts: some lines, or none after a step of the work."""
        width, height = self.content_size
        board, styles = self.board(), self._styles()
        self._smooth_on(board.shown)
        if not board.shown:
            self.border_title = self._title(board, width, height)
            text = "No curve is chosen: v chooses." if self.keys else NEVER if self.state in TERMINAL else EMPTY
            yield [_strip([(line, TICK)], styles, width) for line in wrap(text, max(width, 10))]
            return
        notes: list[Row] = [[(note, WARN)] for note in [board.note()] if note]
        if self.earlier_run and height >= LEAST[1] + 2:
            until = f", {self.earlier_until}" if self.earlier_until else ""
            notes.append([(f"{EARLIER[0]} dashed: earlier run {words.short(self.earlier_run)}{until}", TICK)])
        notes += [[(HINT, TICK)]] if self.has_focus and height >= 14 else []
        self.border_title = self._title(board, width, height - len(notes))
        places: list[tuple[Region, str]] = []
        groups, top = iter(board.groups(width, height - len(notes))), 0
        for band in board.bands(width, height - len(notes)):
            columns, left = list[list[Strip]](), 0
            for cells, rows in band:
                columns.append([_strip(row, styles, cells) for row in rows])
                places.append((Region(left, top, cells, len(rows)), next(groups)[0]))
                left += cells
                yield []
            top += len(columns[0])
            yield [Strip.join(row) for row in zip(*columns, strict=True)]
        self.places = places
        yield [_strip(row, styles, width) for row in notes]

    def _title(self, board: Board, width: int, height: int) -> str:
        parts = ["Metrics"]
        if board.shown:
            drawn = sum(map(len, board.groups(width, height)))
            parts += [f"{drawn} of {len(self.keys)}"] if drawn < len(self.keys) else []
            cursor = self.view.cursor
            parts += (
                [f"at {'step ' if self.view.axis == 'step' else ''}{self.view.label(cursor)}"]
                if cursor is not None
                else []
            )
            parts += self.view.words()
        parts += [f"{EARLIER[0]} {words.short(self.earlier_run)}"] if self.earlier_run and height < LEAST[1] + 2 else []
        return " · ".join(parts).replace("[", r"\[")

    def _styles(self) -> dict[int, Style]:
        if self._known_styles:
            return self._known_styles
        ground, muted = self.background_colors[1], self._variable("muted")
        found = self._known_styles = {
            PLAIN: Style(),
            AXIS: Style(color=self._variable("text-disabled", muted).rich_color),
            TICK: Style(color=muted.rich_color),
            CURSOR: Style(color=self._variable("foreground").rich_color, bold=True),
            WARN: Style(color=self._variable("warning").rich_color, bold=True),
        }
        for number, code in enumerate(COLOURS[self.app.current_theme.dark]):
            colour = Color.parse(code)
            found[number] = Style(color=colour.rich_color)
            found[number + BOLD] = Style(color=colour.rich_color, bold=True, underline=True)
            found[number + FAINT] = Style(color=ground.blend(colour, 0.45).rich_color, dim=self.app.no_color or None)
        return found

    def _variable(self, name: str, other: Color | None = None) -> Color:
        try:
            return Color.parse(self.app.theme_variables[name])
        except (KeyError, ColorParseError):  # "auto 87%" is none
            return other or Color.parse("#808080")

    def render_line(self, y: int) -> Strip:
        width = self.content_size.width
        strip = self._strips[y] if y < len(self._strips) else Strip([])
        return Strip(Segment.apply_style(strip, self.rich_style), strip.cell_length).crop_extend(
            0, width, self.rich_style
        )

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._known_styles = {}
        self._dirty = True

    def on_resize(self) -> None:
        self.again()

    def on_focus(self) -> None:
        self.again()

    def on_blur(self) -> None:
        self.again()

    def again(self) -> None:
        self._dirty = True
        self.draw()

    # Smoothing goes on beside, a slice at a time: a million points take a second.

    def _smooth(self, series: Series) -> Blocks | None:
        smoothed = self._smoothed.get(id(series))
        return smoothed.blocks if smoothed is not None else None

    def _smooth_on(self, shown: list[str]) -> None:
        """Takes in what has come for the curves that are shown where it is little; a worker does what is more."""
        runs = (self.now.series, self.earlier.series) if self.view.weight else ()
        self._behind = []
        for series in (run[key] for run in runs for key in shown if key in run):
            smoothed = self._smoothed.setdefault(id(series), Smoothed(self.view.weight))
            if not smoothed.advance(series.values, LITTLE):
                self._behind.append((series, smoothed))
        if self._behind and not self._catching:
            self._catching = True
            self.run_worker(self._catch_up(), group="smooth")

    async def _catch_up(self) -> None:
        while self._behind:
            series, smoothed = self._behind[-1]
            if smoothed.advance(series.values, SLICE):
                self._behind.pop()
            await asyncio.sleep(0)
        self._catching, self._dirty = False, True

    def look(self, view: View) -> None:
        if view.weight != self.view.weight:
            self._smoothed.clear()
        super().look(view)


def _strip(row: Row, styles: dict[int, Style], width: int) -> Strip:
    return Strip([Segment(text, styles[style]) for text, style in row]).adjust_cell_length(width)
