"""One line: what is tried now, for how long, how far; then how it ended."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from core.events import Progress
from tui import words

BAR = 20


def bar(done: int, total: int) -> str:
    """A bar of fixed width: it is drawn only where a real total is known."""
    filled = min(BAR, BAR * done // max(total, 1))
    return "━" * filled + "╌" * (BAR - filled) + f" {100 * done // max(total, 1):3d} %"


class StatusLine(Static):
    """`clock` gives seconds; the line shows how long the phase has been going."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(classes="status")
        self.clock = clock
        self.began = 0.0
        self.title = ""
        self.progress: Progress | None = None
        self.timer: Timer | None = None
        self.going = False

    def on_mount(self) -> None:
        self.timer = self.set_interval(0.5, self._draw, pause=True)

    def start(self, title: str) -> None:
        self.began, self.progress, self.title, self.going = self.clock(), None, title, True
        if self.timer is not None:
            self.timer.resume()
        self._draw()

    def phase(self, title: str) -> None:
        self.title, self.progress = title, None
        self._draw()

    def move(self, progress: Progress) -> None:
        self.progress = progress
        self._draw()

    def _draw(self) -> None:
        if not self.going:  # a tick of the timer can be on its way when it is paused
            return
        elapsed = words.duration(max(self.clock() - self.began, 1.0)) if self._shown() else ""
        amount = f"  {words.amount(self.progress)}" if self.progress is not None else ""
        parts: list[tuple[str, str]] = [("● ", "$text-accent"), (self.title, "")]
        if self.progress is not None and self.progress.total:
            drawn = f"  {bar(self.progress.done, self.progress.total)}"
            if len(f"● {self.title}{drawn}{amount}  {elapsed}") > (self.size.width or 999):
                drawn = f"  {drawn[-5:].strip()}"  # the share alone
            parts.append((drawn, "$text-accent"))
        self.update(Content.assemble(*parts, (amount, ""), (f"  {elapsed}", "$muted")))

    def _shown(self) -> bool:
        return self.clock() - self.began >= 1.0

    @property
    def elapsed(self) -> float:
        return self.clock() - self.began

    def end(self, glyph: str, text: str, style: str) -> None:
        """How it ended, in one line that stays."""
        self.going = False
        if self.timer is not None:
            self.timer.pause()
        self.update(Content.assemble((f"{glyph} ", style), text))

    def say(self, text: str) -> None:
        self.update(Content(text))
