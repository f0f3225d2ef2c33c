"""What part of the metrics is looked at, and how: pure arithmetic that the keys of the panel change."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tui import words

WEIGHTS = (0.0, 0.6, 0.9)
AXES = ("step", "time", "clock")
ZOOM, PAN = 0.5, 0.25  # parts of what is shown
DAY_S = 86_400


@dataclass(frozen=True)
class View:
    """`shown`: from and to on the x axis; None is all of it, growing. `cursor`: where values are read off."""

    axis: str = "step"
    log: bool = False
    weight: float = 0.0  # of the smoothing
    together: bool = False  # all curves in one plot
    shown: tuple[float, float] | None = None
    cursor: float | None = None

    def smoother(self) -> View:
        return replace(self, weight=WEIGHTS[(WEIGHTS.index(self.weight) + 1) % len(WEIGHTS)])

    def other_axis(self) -> View:
        axis = AXES[(AXES.index(self.axis) + 1) % len(AXES)]
        return replace(self, axis=axis, shown=None, cursor=None)

    def zoomed(self, all: tuple[float, float], by: float) -> View:
        """`by` < 1 shows less, around the cursor, else around the end that is shown."""
        low, high = self.shown or all
        width = (high - low) * by
        if width >= all[1] - all[0]:
            return replace(self, shown=None)
        if low + width == low or (self.axis == "step" and width < 1):
            return self
        around = self.cursor if self.cursor is not None and low <= self.cursor <= high else high
        begin = around - (around - low) * by
        return replace(self, shown=_within(begin, begin + width, all))

    def panned(self, all: tuple[float, float], by: float) -> View:
        """To the right by a part of what is shown; the same view where all is shown."""
        if self.shown is None:
            return self
        low, high = self.shown
        step = (high - low) * by
        return replace(self, shown=_within(low + step, high + step, all))

    def at(self, cursor: float, all: tuple[float, float]) -> View:
        """Reads off at `cursor`, which stays in sight."""
        cursor = min(max(cursor, all[0]), all[1])
        if self.shown is None or self.shown[0] <= cursor <= self.shown[1]:
            return replace(self, cursor=cursor)
        low, high = self.shown
        begin = cursor if cursor < low else cursor - (high - low)
        return replace(self, cursor=cursor, shown=_within(begin, begin + high - low, all))

    @property
    def unit(self) -> str:
        return "step" if self.axis == "step" else ""

    def label(self, x: float, span: float = 0.0) -> str:
        """A value of the x axis, for people. `span`: how much of the axis is shown: more than a day has dates."""
        if self.axis == "step":
            return f"{x:,.0f}"
        if self.axis == "time":
            return words.duration(max(x, 0.0))
        return words.clock(x, "%m-%d %H:%M" if span > DAY_S else "%H:%M:%S")

    def words(self) -> list[str]:
        """How the curves are drawn, where it is not as usual."""
        said = ["log y"] if self.log else []
        said += [f"smooth {self.weight:g}"] if self.weight else []
        said += {"step": [], "time": ["by time"], "clock": ["by the clock"]}[self.axis]
        if self.shown:
            low, high = self.shown
            said.append(f"{self.label(low, high - low)} to {self.label(high, high - low)}")
        return said


def _within(low: float, high: float, all: tuple[float, float]) -> tuple[float, float]:
    width = high - low
    low = min(max(low, all[0]), all[1] - width)
    return low, low + width
