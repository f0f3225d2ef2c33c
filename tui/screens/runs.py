"""All runs of the site, as the VM tells them now: find one, open it, compare two, end or remove some."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui import untrusted, words
from tui.text import printable
from tui.widgets.errors import ErrorPanel
from tui.widgets.fields import Field
from tui.widgets.key_line import KeyLine
from tui.widgets.run_table import RunTable
from tui.widgets.status import StatusLine

from .run_look import LOADING, RunLook


class RunsScreen(RunLook):
    """Answers the run that is to be opened; None where nothing was chosen."""

    TITLE_OF = "Runs"
    DOES = (
        "All runs on the VM. The words of a filter all have to be in a run; state:failed, state:going, experiment:x, "
        "owner:me, name:x, engine:docker look in one place. Marks choose several runs for compare, cancel, delete."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/", id="runs.filter"),
        Binding("v", "compare", "Compare", id="runs.compare"),
        Binding("s", "sort", "Sort by the next column", show=False, id="runs.sort"),
        Binding("S,shift+s", "turn", "Sort the other way", show=False, id="runs.turn"),
        Binding("m", "metric", "Next metric first", show=False, id="runs.metric"),
        Binding("u", "unmark", "Take all marks away", show=False, id="runs.unmark"),
        Binding("x", "cancel_runs", "Cancel", show=False, id="runs.cancel_runs"),
        Binding("D,shift+d,delete", "delete_runs", "Delete from the VM", show=False, id="runs.delete_runs"),
        Binding("R,shift+r", "rerun", "Start again", show=False, id="runs.rerun"),
        Binding("r", "look", "Ask the VM now, or retry", show=False, id="runs.look"),
        Binding("d", "details", "Details of the error", show=False, id="runs.details"),
    ]

    def compose(self) -> ComposeResult:
        yield Static(self.heading(), id="header")
        with Vertical(id="runs-body"):
            yield ErrorPanel(edit=False)
            hint = "words, or state:failed experiment:x owner:me; Enter: done"
            field = Field(self.runs.filter, id="filter", placeholder=hint)
            field.display = bool(field.value)
            yield field
            yield RunTable(self.runs, id="run-table")
            yield Static(LOADING, id="runs-said")
            yield Static(id="run-detail")
            yield Static(id="runs-seen")
            yield StatusLine(self.session.clock)
        yield KeyLine()

    def on_mount(self) -> None:
        self.status.display = False
        self.table.display = False
        self.table.focus()
        self.session.ran("cli", self.session.line("runs"))
        self.look()
        self.set_interval(1.0, self._tick)

    def on_unmount(self) -> None:
        self.session.runs_look = self.runs.looks

    def cli(self) -> str:
        marked = self.table.marked
        if len(marked) == 2:
            return self.session.line("runs", "compare", *marked)
        return self.session.line("logs", self.table.here, "--follow") if self.table.here else self.session.line("runs")

    # The run under the cursor.

    def on_run_table_moved(self) -> None:
        row = self.table.current
        detail = self.query_one("#run-detail", Static)
        self.query_one("#runs-seen", Static).update(Content.assemble(*self._seen_words()))
        if row is None:
            detail.update("")
            return
        info = row.shown
        parts = [info.run, info.name, info.experiment, info.owner, info.engine]
        params = " ".join(f"{key}={value}" for key, value in info.params.items())
        used = [] if info.peak_memory is None else [f"{words.size(info.peak_memory)} at most"]
        said = [info.reason, params, *used, f"log {words.size(info.log_bytes)}"]
        detail.update(
            Content.assemble(
                (f"{words.RUN[info.state]} ", words.RUN[info.state].style),
                (" · ".join(printable(part) for part in parts if part), ""),
                (f"\n{' · '.join(printable(part) for part in said if part)}", "$muted"),
            )
        )

    def on_run_table_chosen(self, event: RunTable.Chosen) -> None:
        event.stop()
        self.dismiss(event.run)

    # Keys of the list.

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.display = True
        self.set_focus(field)  # at once: the next key is text

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.runs.filter = event.value
        self.runs.arrange()
        self._tell()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._leave_field()

    def _leave_field(self) -> None:
        field = self.query_one("#filter", Input)
        field.display = bool(field.value)
        self.set_focus(self.table)

    def action_back(self) -> None:
        """One thing at a time: the field, what is going, an error, the filter, the screen."""
        field = self.query_one("#filter", Input)
        if self.focused is field:
            self._leave_field()
        elif self.stop():
            pass
        elif self.panel.error is not None:
            self.panel.clear()
            self.set_focus(self.table)
        elif field.value:
            field.value = ""
            field.display = False
        else:
            self.dismiss(None)

    def action_look(self) -> None:
        if self.panel.error is not None:
            self.retry()
            return
        self.session.ran("cli", self.session.line("runs"))
        self.look()

    def action_sort(self) -> None:
        self.table.sort_next()
        self._say_order()

    def action_turn(self) -> None:
        self.runs.sort_by(self.runs.column)
        self.table.told()
        self._say_order()

    def _say_order(self) -> None:
        by = self.runs.lead if self.runs.column == "metrics" and self.runs.lead else self.runs.column
        self.say(f"By {by}, {'the highest first' if self.runs.falls else 'the lowest first'}")

    def action_metric(self) -> None:
        metric = self.runs.next_metric()
        self.table.told()
        self.say(f"{untrusted.plain(metric)} comes first" if metric else "No run has logged a metric yet")

    def action_unmark(self) -> None:
        self.say("All marks are gone" if self.table.marked else "No run is marked: space marks one")
        self.table.marked.clear()
        self.table.told()

    def action_compare(self) -> None:
        marked = self.table.marked
        if len(marked) != 2:
            self.say(f"Compare takes two runs, and {len(marked)} are marked: space marks one")
            return
        from .compare import CompareScreen

        self.app.push_screen(CompareScreen(self.session, *marked))
