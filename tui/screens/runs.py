"""All runs of the site, as the VM tells them now: find one, open it, compare two, end or remove some."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from core import events
from core.errors import ConnectError, TrainshedError
from tui import run_list, untrusted, words
from tui.link import Trying
from tui.session import Session
from tui.text import printable
from tui.widgets.errors import ErrorPanel
from tui.widgets.fields import Field
from tui.widgets.key_line import KeyLine
from tui.widgets.run_table import RunTable
from tui.widgets.status import StatusLine

from .pane import closing
from .run_acts import RunActs

REFRESH_S = 3.0  # between two looks
SHARE = 10  # of the time a look takes, between two looks: a slow VM is asked less often
AGAIN_S = 5.0  # after a look that failed
LOADING = "Asking the VM for its runs …"
EMPTY = "There is no run yet. Escape, then 4 launches one."


class RunsScreen(RunActs):
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

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.runs.look_as(session.runs_look)
        self.seen: float | None = None  # when the VM last told its runs
        self.error: TrainshedError | None = None  # of the last look
        self.failures = 0  # looks that failed, since one did not
        self.began = self.next_look = 0.0  # of looks, by the session's clock
        self.looking = False

    def compose(self) -> ComposeResult:
        yield Static(self.heading(), id="header")
        with Vertical(id="runs-body"):
            yield ErrorPanel()
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

    # Looking.

    @property
    def in_sight(self) -> bool:
        """Whether nothing lies over it but a question."""
        stack = self.app.screen_stack
        return self in stack and all(isinstance(over, ModalScreen) for over in stack[stack.index(self) + 1 :])

    def _tick(self) -> None:
        if self.in_sight and self.session.clock() >= self.next_look > 0:
            self.look()
        if self.error is not None:
            self._tell_seen()

    def look(self) -> None:
        if not self.looking:
            self.looking, self.began = True, self.session.clock()
            self.run_worker(self._look(), name="Asking for the runs", group="look")

    async def _look(self) -> None:
        wait = AGAIN_S
        try:
            async with closing(self.session.services.runs.list()) as stream:
                async for event in stream:
                    self.session.on_seen(event)
                    if isinstance(event, events.RunsListed):
                        self.runs.take(event.runs)
                        self.seen, self.error, self.failures = run_list.now(), None, 0
            self.session.reached("runs")
            wait = max(REFRESH_S, SHARE * (self.session.clock() - self.began))
        except TrainshedError as error:
            self.error, self.failures = error, self.failures + 1
        finally:
            self.looking = False
            self.next_look = self.session.clock() + wait
        if self.is_attached:
            self._tell()

    def _tell(self) -> None:
        """What is so now, and the next key where there is nothing to see."""
        self.table.told()
        said = self._why_nothing()
        held = self.focused is None or self.focused is self.table
        self.table.display = not said
        if held and not said:
            self.table.focus()
        self._tell_seen()

    def _tell_seen(self) -> None:
        """Also while nothing comes: how the next look goes."""
        said = self._why_nothing()
        shown = self.query_one("#runs-said", Static)
        shown.display = bool(said)
        shown.update(Content.assemble(*said))
        self.query_one("#runs-seen", Static).update(Content.assemble(*self._seen_words()))

    def _trying(self) -> str:
        now = self.session.clock()
        going = Trying(self.failures, self.began) if self.looking else Trying(self.failures, now, self.next_look - now)
        return going.words(now)

    def _why_nothing(self) -> list[tuple[str, str]]:
        if self.runs.shown:
            return []
        if self.seen is None and self.error is None:
            return [(LOADING, "")]
        if self.seen is None and self.error is not None:
            title, hint = untrusted.plain(self.error.title), untrusted.plain(self.error.hint)
            back = "Escape, then 1 connects." if isinstance(self.error, ConnectError) else "Escape goes back."
            return [
                ("✗ ", "$text-error"),
                (title, "bold $text-error"),
                (f"\n{hint}\n\n", ""),
                (f"r asks again; {self._trying()}. {back}", "$muted"),
            ]
        if self.runs.rows:
            return [(f"No run has {self.runs.filter!r}. Escape takes the filter away.", "")]
        return [(EMPTY, "")]

    def _seen_words(self) -> list[tuple[str, str]]:
        if self.seen is None:
            return []
        count, all_of_them = len(self.runs.shown), len(self.runs.rows)
        number = words.plural(all_of_them, "run") if count == all_of_them else f"{count:,} of {all_of_them:,} runs"
        marked = len(self.table.marked)
        hidden = marked - sum(row.info.run in self.table.marked for row in self.runs.shown) if marked else 0
        marks = f" · {marked} marked{f', {hidden} of them not shown' if hidden else ''}" if marked else ""
        known = f"{number}{marks}"
        if self.error is None:
            return [(f"{known} · seen {words.clock(self.seen)}", "$muted")]
        what = "link lost" if isinstance(self.error, ConnectError) else untrusted.plain(self.error.title)
        going = sum(run_list.going(row.info) for row in self.runs.rows.values())
        go_on = f", {'the run goes on' if going == 1 else f'{going:,} runs go on'}" if going else ""
        lost = f"⚠ {what}: last seen {words.clock(self.seen, '%H:%M')}{go_on} · {self._trying()}"
        return [(lost, "$text-warning"), (f" · r asks now · {known}", "$muted")]

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
