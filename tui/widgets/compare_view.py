"""Two runs beside each other, line by line: values, then the files of the code that differ."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from core.events import RunsCompared
from tui import comparison, words
from tui.comparison import Line
from tui.text import harmless, printable

from .lines import Lines, fit

GROUPS = {
    "metric": "Metrics, the last value",
    "parameter": "Parameters",
    "run": "The run",
    "data": "Data, by digest",
    "tag": "Tags",
    "resource": "What it took",
}
WIDEST = 2000  # cells of a line of code
DIFFERS = "≠"  # beside the colour
STYLES = {"+": "$text-success", "-": "$text-error", "@": "$text-accent"}
Shown = str | Line | Content


class CompareView(Lines):
    """`only`: what is the same is left out."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"compare-view--head"}
    HEAD = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h", "scroll_left", "Left", show=False, id="compare_view.scroll_left"),
        Binding("l", "scroll_right", "Right", show=False, id="compare_view.scroll_right"),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.event: RunsCompared | None = None
        self.only = True
        self._lines: list[Shown] = []  # a heading's or a diff's text, a value, or a file
        self._marks: list[int] = []  # lines with which a group or a file begins

    def tell(self, event: RunsCompared) -> None:
        """`event`: with harmless texts."""
        self.event = event
        self.lay_out()

    def lay_out(self) -> None:
        """What is shown, made anew."""
        self._lines, self._marks = [], []
        if self.event is not None:
            self._values(self.event)
            self._code(self.event)
        self.changed()

    def _values(self, event: RunsCompared) -> None:
        found = comparison.lines(event)
        for group, title in GROUPS.items():
            whole = [line for line in found if line.group == group]
            lines = comparison.differing(whole) if self.only else whole
            if not whole:
                continue
            same = len(whole) - len(lines)
            said = f"  {same} the same, d shows {'it' if same == 1 else 'them'}" if same else ""
            self._begin(Content.assemble((title, "bold"), (said, "$muted")))
            self._lines += [*lines, ""]

    def _code(self, event: RunsCompared) -> None:
        self._begin(Content.assemble(("Code", "bold"), f"  {printable(comparison.code(event.code))}"))
        for file in event.code.files:
            self._begin(Content.styled(harmless(comparison.changed(file)), "bold"))
            self._lines += [text.expandtabs(8)[:WIDEST] for text in file.diff.splitlines()[2:]]
            self._lines += [""]

    def _begin(self, content: Content) -> None:
        self._marks.append(len(self._lines))
        self._lines.append(content)

    def count(self) -> int:
        return len(self._lines)

    def span(self) -> int:
        return max((len(line) for line in self._lines if isinstance(line, str)), default=0)

    def line(self, number: int, width: int) -> Content:
        if number < 0:
            return self._titles(width)
        line = self._lines[number]
        if isinstance(line, Content):
            return line
        if isinstance(line, str):
            return Content.styled(line, STYLES.get(line[:1], ""))
        cells = _cells(width)
        texts = (printable(line.name), *comparison.around(printable(line.a), printable(line.b), cells[1]))
        values = "  ".join(fit(text, room) for text, room in zip(texts, cells, strict=False))
        mark = (f"{' ' if line.same else DIFFERS} ", "$text-warning")
        difference = "" if line.difference == "differs" else line.difference
        return Content.assemble(
            mark, (values, "$muted" if line.same else ""), (f"  {fit(difference, cells[3], right=True)}", "bold")
        )

    def _titles(self, width: int) -> Content:
        if self.event is None:
            return Content("")
        texts = ["", f"A {words.short(self.event.a.run)}", f"B {words.short(self.event.b.run)}"]
        cells = _cells(width)
        shown = "  ".join(fit(text, room) for text, room in zip(texts, cells, strict=False))
        return Content(f"  {shown}  {fit('B − A', cells[3], right=True)}")

    def style_of(self, number: int) -> str:
        return "compare-view--head" if number < 0 else ""

    def go(self, way: int) -> bool:
        """To the next group or file, or the one before; False where there is none."""
        top = self.scroll_offset.y
        marks = [mark for mark in self._marks if (mark > top if way > 0 else mark < top)]
        if not marks or (way > 0 and top >= self.max_scroll_y):
            return False
        self.scroll_to(y=marks[0] if way > 0 else marks[-1], animate=False, immediate=True, force=True)
        return True


def _cells(width: int) -> tuple[int, int, int, int]:
    """Of the name, both values and the difference."""
    name, difference = (16, 11) if width < 100 else (24, 14)
    side = max(4, (width - 2 - name - difference - 6) // 2)
    return name, side, side, difference
