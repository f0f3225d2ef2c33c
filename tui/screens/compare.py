"""Two runs compared: what was asked of each, what came of it, and what of their code differs."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from core import events
from core.errors import TrainshedError
from tui import run_list, untrusted, words
from tui.session import Session
from tui.text import printable
from tui.widgets.compare_view import CompareView
from tui.widgets.errors import ErrorPanel
from tui.widgets.key_line import KeyLine

from .place import AskingPlace
from .work import heard


class CompareScreen(AskingPlace[None]):
    """`a` and `b`: two ULIDs."""

    TITLE_OF = "Compare"
    REPORT = "runs compare"
    DOES = "Two runs beside each other; ≠ is before what differs. Of their code, the files that differ and how."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "same", "Only differences", id="compare.same"),
        Binding("n", "next(1)", "Next part", id="compare.next_part"),
        Binding("N,shift+n,p", "next(-1)", "Part before", show=False, id="compare.part_before"),
        Binding("s", "swap", "Swap A and B", id="compare.swap"),
        Binding("r", "compare", "Compare anew, or retry", show=False, id="compare.compare"),
    ]

    def __init__(self, session: Session, a: str, b: str) -> None:
        super().__init__(session)
        self.a, self.b = a, b

    def compose(self) -> ComposeResult:
        yield Static(self.heading(), id="header")
        with Vertical(id="compare-body"):
            yield ErrorPanel(edit=False)
            yield Static(id="compare-heads")
            yield CompareView(id="comparison")
            yield Static(id="compare-said")
        yield KeyLine()

    def on_mount(self) -> None:
        self.view.focus()
        self.action_compare()

    @property
    def view(self) -> CompareView:
        return self.query_one(CompareView)

    def cli(self) -> str:
        return self.session.line("runs", "compare", self.a, self.b)

    def action_compare(self) -> None:
        self.session.ran("cli", self.cli())
        self.panel.clear()
        self._say_below("● Comparing the two runs …")
        if self.view.event is None:
            named = (f"{letter}  {words.short(run)}" for letter, run in (("A", self.a), ("B", self.b)))
            self.query_one("#compare-heads", Static).update(Content.styled("\n".join(named), "bold"))
        self.run_worker(self._compare(), name="Comparing", group="compare", exclusive=True)

    async def _compare(self) -> None:
        try:
            async with heard(self.session, self.session.services.runs.compare(self.a, self.b)) as stream:
                async for event in stream:
                    if isinstance(event, events.RunsCompared):
                        self._show(event)
        except TrainshedError as error:
            self._say_below("✗ The runs could not be compared: r tries again, Escape goes back")
            self.panel.tell(error)

    def _show(self, event: events.RunsCompared) -> None:
        clean = untrusted.event(event)
        assert isinstance(clean, events.RunsCompared)
        self.view.tell(clean)
        heads = [self._head(letter, info) for letter, info in (("A", clean.a), ("B", clean.b))]
        self.query_one("#compare-heads", Static).update(Content("\n").join(heads))
        self._say_below("")
        self.view.focus()

    def _head(self, letter: str, info: events.RunInfo) -> Content:
        mark = words.RUN[info.state]
        goes_on = info.state not in events.TERMINAL
        as_of = f"as of {words.clock(words.now())}" if goes_on else ""
        rest = [as_of, info.name, words.clock(info.created, "%Y-%m-%d %H:%M"), info.owner]
        return Content.assemble(
            (f"{letter}  {words.short(info.run)}  ", "bold"),
            (f"{mark.glyph} {run_list.state(info)}  ", mark.style),
            " · ".join(printable(part) for part in rest if part),
        )

    def _say_below(self, text: str) -> None:
        said = self.query_one("#compare-said", Static)
        said.display = bool(text)
        said.update(Content(text))

    def action_same(self) -> None:
        self.view.only = not self.view.only
        self.view.lay_out()
        self.say("Only what differs" if self.view.only else "Also what is the same")

    def action_next(self, way: int) -> None:
        if not self.view.go(way):
            self.say("That was the last part" if way > 0 else "That was the first part")

    def action_swap(self) -> None:
        self.a, self.b = self.b, self.a
        self.action_compare()

    def action_back(self) -> None:
        if self.panel.error is not None and self.view.event is not None:
            self.panel.clear()
            self.view.focus()
        else:
            self.dismiss(None)

    def retry(self) -> None:
        self.action_compare()
