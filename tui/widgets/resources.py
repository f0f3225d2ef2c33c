"""What a run takes of its VM: processors, memory, disk and GPUs, now, at most, and how it went."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from textwrap import wrap

from rich.segment import Segment
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from core.events import TERMINAL, Facts, Resources
from tui import words

from .traces import Trace

DRAW_EVERY_S = 0.25
MEMORY_FULL, MEMORY_NEAR = 0.97, 0.9  # parts of the machine's
DISK_NEAR, DISK_LITTLE = 0.05, 2 * 1000**3  # a part of the disk; bytes, whatever its size
SPARK = 120  # bars at most
NAMES = 8  # cells
Part = tuple[str, str]  # text, and a variable of the theme
Line = tuple[str, str, float, str, str, str]  # name, trace, what all of it is, now, at most, a warning
WAITS = {
    "": "No run is open.",
    "created": "Nothing yet: the run waits for its turn on the VM.",
    "preparing": "Nothing yet: the run is being prepared.",
    "running": "Nothing yet: the VM says every 2 s what a run takes.",
}
ENDED = "Nothing measured: the run ended within 2 s, or its VM did not measure runs."


@dataclass
class Use:
    """All that was said of one run so far. `facts`: of its VM, where they are known: they say what all of it is."""

    facts: Facts | None = None
    latest: Resources | None = None
    traces: dict[str, Trace] = field(default_factory=dict)

    def add(self, now: Resources) -> None:
        self.latest = now
        values = {"cpu": now.cpu, "memory": now.memory, "machine": now.machine_memory, "machine_cpu": now.machine_cpu}
        for number, gpu in enumerate(now.gpus):
            values[f"gpu{number}"] = math.nan if gpu.use is None else gpu.use
            values[f"gpu{number}.memory"] = math.nan if gpu.memory is None else gpu.memory
        for name, value in values.items():
            self.traces.setdefault(name, Trace()).add(value)

    def memory_word(self) -> str:
        """A warning, or empty."""
        if self.facts is None or self.latest is None or not self.facts.memory_bytes:
            return ""
        part = self.latest.machine_memory / self.facts.memory_bytes
        return "⚠ FULL" if part >= MEMORY_FULL else "⚠ NEARLY FULL" if part >= MEMORY_NEAR else ""

    def disk_word(self) -> str:
        if self.latest is None:
            return ""
        free, total = self.latest.disk_free, self.facts.disk_total_bytes if self.facts else 0
        if free < DISK_LITTLE / 10:
            return "⚠ FULL"
        return "⚠ NEARLY FULL" if free < max(DISK_LITTLE, total * DISK_NEAR) else ""

    def line(self) -> list[Part]:
        """Everything on one line of a narrow screen."""
        now = self.latest
        if now is None:
            return []
        parts: list[Part] = [
            ("CPU ", "muted"),
            (_tenths(now.cpu), ""),
            (f"{self._of_cores()} · VM {now.machine_cpu:.0%}", "muted"),
        ]
        parts += [
            ("  Memory ", "muted"),
            (words.memory(now.memory), ""),
            (f" · VM {words.memory(now.machine_memory)}", "muted"),
        ]
        parts += [
            *_warned(self.memory_word()),
            ("  Disk ", "muted"),
            (words.size(now.disk_free), ""),
            *_warned(self.disk_word()),
        ]
        for number, gpu in enumerate(now.gpus):
            parts += [(f"  GPU{number} ", "muted"), ("–" if gpu.use is None else _percent(gpu.use), "")]
        return parts

    def rows(self, width: int) -> list[list[Part]]:
        """A line for each quantity: name, how it went, now, at most."""
        lines = [*self._processors(), *self._memory(), *self._gpus()]
        texts = [len(now) + len(f" max {peak}" if peak else "") for _, _, _, now, peak, _ in lines]
        bars = max(4, min(SPARK, width - NAMES - 1 - max(texts, default=0)))
        return [self._row(line, bars) for line in lines] + self._disk()

    def _processors(self) -> Iterator[Line]:
        now = self.latest
        if now is not None:
            yield (
                "CPU",
                "cpu",
                self.facts.cpus if self.facts else 0,
                f"{now.cpu:.1f}{self._of_cores()}",
                self._peak("cpu", _tenths),
                "",
            )
            yield "  VM", "machine_cpu", 1.0, f"{now.machine_cpu:.0%}", self._peak("machine_cpu", _percent), ""

    def _memory(self) -> Iterator[Line]:
        now, total = self.latest, self.facts.memory_bytes if self.facts else 0
        if now is not None:
            of = (
                f"{now.machine_memory / 2**30:.1f} of {words.memory(total)}"
                if total
                else words.memory(now.machine_memory)
            )
            yield "Memory", "memory", total, words.memory(now.memory), self._peak("memory", _bytes), ""
            yield "  VM", "machine", total, of, "", self.memory_word()

    def _gpus(self) -> Iterator[Line]:
        for number, gpu in enumerate(self.latest.gpus if self.latest else []):
            use = "–" if gpu.use is None else _percent(gpu.use)
            held = "" if gpu.memory is None else f" · {words.memory(gpu.memory)}"
            yield f"GPU {number}", f"gpu{number}", 1.0, use + held, self._peak(f"gpu{number}", _percent), ""

    def _disk(self) -> list[list[Part]]:
        if self.latest is None:
            return []
        of = f" free of {words.size(self.facts.disk_total_bytes)}" if self.facts else " free"
        row: list[Part] = [("Disk".ljust(NAMES), "muted"), (words.size(self.latest.disk_free) + of, "")]
        return [[*row, *_warned(self.disk_word())]]

    def _of_cores(self) -> str:
        return f" of {self.facts.cpus}" if self.facts else " cores"

    def _peak(self, trace: str, text: Callable[[float], str]) -> str:
        peak = self.traces[trace].peak
        return "" if math.isnan(peak) else text(peak)

    def _row(self, line: Line, bars: int) -> list[Part]:
        title, trace, top, now, peak, word = line
        spark = self.traces[trace].spark(bars, top).rjust(bars)
        row: list[Part] = [(title.ljust(NAMES), "muted"), (spark, "primary"), (f" {now}", "")]
        return [*row, (f" max {peak}" if peak else "", "muted"), *_warned(word)]


def _tenths(value: float) -> str:
    return f"{value:.1f}"


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _bytes(value: float) -> str:
    return words.memory(int(value))


def _warned(word: str) -> list[Part]:
    return [(f"  {word}", "warning")] if word else []


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
            rows = [self.use.line()] if height == 1 and not self._grows else self.use.rows(width)
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
