"""The panel of what a run takes of its VM: processors, memory, disk and GPUs."""

from __future__ import annotations

from textwrap import wrap

from rich.segment import Segment
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from core.events import TERMINAL, Facts, Resources

from .usage import Part, Use

DRAW_EVERY_S = 0.25
WAITS = {
    "": "No run is open.",
    "created": "Nothing yet: the run waits for its turn on the VM.",
    "preparing": "Nothing yet: the run is being prepared.",
    "running": "Nothing yet: the VM says every 2 s what a run takes.",
}
ENDED = "Nothing measured: the run ended within 2 s, or its VM did not measure runs."


class ResourcesPanel(Widget, can_focus=True):
    """A line where it has one, else a line for each quantity."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.use = Use()
        self.state = ""
        self._dirty = True
        self._strips: list[Strip] = []

    def on_mount(self) -> None:
        self.border_title = "Resources"
        self.set_interval(DRAW_EVERY_S, self.draw)
        self.draw()

    def clear(self, facts: Facts | None) -> None:
        """For another run. `facts`: of the VM, where they are known."""
        self.use, self._dirty = Use(facts), True

    def add(self, now: Resources) -> None:
        self.use.add(now)
        self._dirty = True

    def tell(self, state: str) -> None:
        """The run's state: it says why there is nothing."""
        self.state, self._dirty = state, True

    def draw(self) -> None:
        if not self._dirty or not self.size or not self.is_on_screen:
            return
        self._dirty = False
        width, height = self.content_size
        if self.use.latest is None:
            text = ENDED if self.state in TERMINAL else WAITS[self.state]
            rows: list[list[Part]] = [[(line, "muted")] for line in wrap(text, max(width, 10))]
        else:
            rows = (
                [self.use.line(width)]
                if height == 1 and not self._grows
                else self.use.rows(width, 0 if self._grows else height)
            )
        grown = len(rows) != len(self._strips)
        self._strips = [Strip([Segment(text, self._style(variable)) for text, variable in row]) for row in rows]
        self.refresh(layout=grown and self._grows)

    @property
    def _grows(self) -> bool:
        return self.styles.auto_dimensions

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return max(1, len(self._strips))

    def _style(self, variable: str) -> Style:
        if not variable:
            return Style()
        try:
            colour = Color.parse(self.app.theme_variables[variable]).rich_color
        except (KeyError, ColorParseError):
            return Style()
        return Style(color=colour, bold=variable == "warning" or None)

    def render_line(self, y: int) -> Strip:
        strip = self._strips[y] if y < len(self._strips) else Strip([])
        styled = Strip(Segment.apply_style(strip, self.rich_style), strip.cell_length)
        return styled.crop_extend(0, self.content_size.width, self.rich_style)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._dirty = True

    def on_resize(self) -> None:
        self._dirty = True
        self.draw()
