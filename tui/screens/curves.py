"""Which curves are shown: a list with toggles, and a filter for jobs that log hundreds of metrics."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui import words
from tui.widgets.choices import Choices
from tui.widgets.fields import Field
from tui.widgets.metrics import MetricChart
from tui.widgets.press import Press

from .dialogues import Dialogue

MOST = 300  # lines: more are found by the filter


def matching(keys: list[str], wanted: str) -> list[str]:
    """Those that hold `wanted`, or match it where it is a pattern (`train/*`); upper and lower case are one."""
    wanted = wanted.strip().lower()
    if any(sign in wanted for sign in "*?["):
        return [key for key in keys if fnmatchcase(key.lower(), wanted)]
    return [key for key in keys if wanted in key.lower()]


class Toggles(Choices):
    """A click or space turns a line on or off; Enter is done with all of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "select", "Show or hide", show=False, id="curve_list.select"),
        Binding("enter", "done", "Done", show=False, id="curve_list.done"),
        Binding("j", "cursor_down", "Down", show=False, id="curve_list.cursor_down"),
        Binding("k", "cursor_up", "Up", show=False, id="curve_list.cursor_up"),
    ]

    class Done(Message):
        pass

    def action_done(self) -> None:
        self.post_message(self.Done())


class CurveChooser(Dialogue[list[str]]):
    """Answers the keys to show, in the order in which they were logged."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", show=False, id="curves.filter"),
        Binding("a", "all(True)", "All of these", show=False, id="curves.all"),
        Binding("n", "all(False)", "None of these", show=False, id="curves.none"),
    ]

    def __init__(self, chart: MetricChart) -> None:
        super().__init__()
        self.chart = chart
        self.keys = chart.keys
        self.shown = set(chart.shown)
        self.found: list[str] = []  # what the filter leaves
        self.listed: list[str] = []  # of that, what has a line

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialogue"):
            yield Static("Which curves", classes="title")
            yield Field(id="filter", placeholder="/ filters: part of a name, or a pattern as train/*")
            yield Toggles(id="curves")
            yield Static(id="said")
            with Horizontal(classes="buttons"):
                yield Press("Show these", id="agree", variant="primary")
                yield Press("Cancel", id="cancel")

    def on_mount(self) -> None:
        self._list("")
        self.query_one(Toggles).focus()

    def _list(self, wanted: str) -> None:
        options, before = self.query_one(Toggles), self.query_one(Toggles).highlighted
        found = matching(self.keys, wanted)
        self.found, self.listed = found, found[:MOST]
        options.clear_options()
        options.add_options([Option(self._line(key)) for key in self.listed])
        if self.listed:
            options.highlighted = min(before or 0, len(self.listed) - 1)
        more = f", {len(found) - MOST:,} more to filter for" if len(found) > MOST else ""
        of = f"{len(self.shown)} of {len(self.keys):,} chosen{more}"
        self.query_one("#said", Static).update(f"{of} · space: one · a: all of these · n: none of these")

    def _line(self, key: str) -> str:
        series = self.chart.now.series.get(key) or self.chart.earlier.series[key]
        ends = f"{words.number(series.low)} to {words.number(series.high)}" if series.low <= series.high else ""
        mark = "[x]" if key in self.shown else "[ ]"
        return f"{mark} {key:<32} {words.number(series.last):>10}   {ends}"

    def _turned(self) -> None:
        self._list(self.query_one("#filter", Input).value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.shown ^= {self.listed[event.option_index]}
        self._turned()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._list(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        event.prevent_default()  # Textual calls the handler of every class; here Enter goes to the list
        self.query_one(Toggles).focus()

    def on_toggles_done(self) -> None:
        self.agreed()

    def action_filter(self) -> None:
        self.query_one("#filter").focus()

    def action_all(self, on: bool) -> None:
        before = self.shown
        self.shown = before | set(self.found) if on else before - set(self.found)
        if self.shown == before:
            self.notify(f"{'All' if on else 'None'} of these are chosen already", timeout=4, markup=False)
        self._turned()

    def action_give_up(self) -> None:
        """Escape in the filter empties it and goes back to the list."""
        field = self.query_one("#filter", Input)
        if not field.has_focus:
            super().action_give_up()
            return
        field.value = ""
        self.query_one(Toggles).focus()

    def agreed(self) -> None:
        self.dismiss([key for key in self.keys if key in self.shown])
