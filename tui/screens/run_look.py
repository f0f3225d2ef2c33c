"""The list of runs looks again by itself, and says how that goes: what was seen when, what is tried while it fails."""

from __future__ import annotations

from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from core import events
from core.errors import ConnectError, TrainshedError
from tui import run_list, untrusted, words
from tui.link import Trying
from tui.session import Session

from .run_acts import RunActs
from .work import heard

REFRESH_S = 3.0  # between two looks
SHARE = 10  # of the time a look takes, between two looks: a slow VM is asked less often
AGAIN_S = 5.0  # after a look that failed
LOADING = "Asking the VM for its runs …"
EMPTY = "There is no run yet. Escape, then 4 launches one."


class RunLook(RunActs):
    """For RunsScreen, which has the list."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.runs.look_as(session.runs_look)
        self.seen: float | None = None  # when the VM last told its runs
        self.error: TrainshedError | None = None  # of the last look
        self.failures = 0  # looks that failed, since one did not
        self.began = self.next_look = 0.0  # of looks, by the session's clock
        self.looking = False

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
            async with heard(self.session, self.session.services.runs.list()) as stream:
                async for event in stream:
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
