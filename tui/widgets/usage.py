"""What a run takes of its VM, in words and bars: now, at most, and how it went. It knows no Textual."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from core.events import Facts, Resources
from tui import words

from .traces import Trace

MEMORY_FULL, MEMORY_NEAR = 0.97, 0.9  # parts of the machine's
DISK_NEAR, DISK_LITTLE = 0.05, 2 * 1000**3  # a part of the disk; bytes, whatever its size
TALLEST = 5  # rows of bars
NAMES = 8  # cells
Part = tuple[str, str]  # text, and a variable of the theme
Line = tuple[str, str, float, str, str, str]  # name, trace, what all of it is, now, at most, a warning


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

    def line(self, width: int) -> list[Part]:
        """On one line of a narrow screen: what has a warning first; a part that has no room is left out whole."""
        found: list[Part] = []
        for part in sorted(self._parts(), key=lambda part: part[-1][1] != "warning"):
            gap: list[Part] = [("  ", "")] if found else []
            if sum(len(text) for text, _ in (*found, *gap, *part)) <= width:
                found += [*gap, *part]
        return found

    def _parts(self) -> Iterator[list[Part]]:
        now = self.latest
        if now is None:
            return
        machine = f"{self._of_cores()} · VM {now.machine_cpu:.0%}"
        yield [("CPU ", "muted"), (_tenths(now.cpu), ""), (machine, "muted")]
        machine = f" · VM {words.memory(now.machine_memory)}"
        yield [("Memory ", "muted"), (words.memory(now.memory), ""), (machine, "muted"), *_warned(self.memory_word())]
        yield [("Disk ", "muted"), (words.size(now.disk_free), ""), *_warned(self.disk_word())]
        for number, gpu in enumerate(now.gpus):
            yield [(f"GPU{number} ", "muted"), ("–" if gpu.use is None else _percent(gpu.use), "")]

    def rows(self, width: int, height: int = 0) -> list[list[Part]]:
        """A line for each quantity: name, how it went, now, at most. Taller bars where `height` has room for them."""
        lines = [*self._processors(), *self._memory(), *self._gpus()]
        tall = min(TALLEST, height // max(1, len(lines)) - 1)
        if tall > 1:
            return [row for line in lines for row in self._tall(line, width, tall)] + self._disk()
        texts = [len(now) + len(f" max {peak}" if peak else "") for _, _, _, now, peak, _ in lines]
        bars = max(4, width - NAMES - 1 - max(texts, default=0))
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

    def _tall(self, line: Line, width: int, tall: int) -> list[list[Part]]:
        title, trace, top, now, peak, word = line
        head: list[Part] = [(title.ljust(NAMES), "muted"), (now, ""), (f" max {peak}" if peak else "", "muted")]
        bars = self.traces[trace].bars(width - NAMES, tall, top)
        return [[*head, *_warned(word)], *([(" " * NAMES + row.rjust(width - NAMES), "primary")] for row in bars)]

    def _row(self, line: Line, bars: int) -> list[Part]:
        title, trace, top, now, peak, word = line
        (spark,) = (row.rjust(bars) for row in self.traces[trace].bars(bars, 1, top))
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
