"""A list to choose one line of, with a filter above it that has the keys: what two dialogues of Launch share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.errors import TrainshedError
from tui import untrusted
from tui.session import Session
from tui.widgets.choices import Choices, Filter
from tui.widgets.press import Press

from .dialogues import Dialogue

Answer = TypeVar("Answer")


class Chooser(Dialogue[Answer]):
    """Lines whose group is not that of the line above have its name over them."""

    HEAD: ClassVar[str]
    ABOUT: ClassVar[str] = ""
    WAITS: ClassVar[str]  # while nothing is there yet
    MOST: ClassVar[int] = 300  # lines: more are found by the filter

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.loaded = False

    # What each fills in.

    async def load(self) -> None:
        """Finds what there is; raises TrainshedError."""
        raise NotImplementedError

    def matching(self, words: list[str]) -> Iterable[tuple[str, str, Content]]:
        """(id, group, line) of what has all the words, in lower case."""
        raise NotImplementedError

    def said(self, found: int, typed: str) -> str:
        """What to say of the list."""
        raise NotImplementedError

    def buttons(self) -> list[Press]:
        raise NotImplementedError

    def filter(self) -> Filter:
        return Filter(id="filter", placeholder="type to filter")

    # What they share.

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialogue roomy"):
            yield Static(self.HEAD, classes="title")
            if self.ABOUT:
                yield Static(self.ABOUT)
            yield self.filter()
            yield Static(self.WAITS, id="said")
            yield Choices(id="runs")
            with Horizontal(classes="buttons"):
                yield from self.buttons()
                yield Press("Cancel", id="cancel")

    def on_mount(self) -> None:
        self.query_one("#filter").focus()
        self.run_worker(self._load())

    async def _load(self) -> None:
        try:
            await self.load()
        except TrainshedError as error:
            self.refuse(f"{error.title}. {error.hint}")
            return
        self.loaded = True
        self._show()

    @property
    def typed(self) -> str:
        return self.query_one("#filter", Input).value.strip()

    @property
    def chosen(self) -> str | None:
        """The id of the line that is highlighted."""
        options = self.query_one(OptionList)
        return None if options.highlighted is None else options.get_option_at_index(options.highlighted).id

    def _show(self) -> None:
        found = list(self.matching(self.typed.lower().split()))
        options, above = self.query_one(OptionList), ""
        options.clear_options()
        for id, group, line in found[: self.MOST]:
            if group != above:
                options.add_option(Option(Content.styled(group, "$muted"), disabled=True))
            options.add_option(Option(line, id=id))
            above = group
        enabled = (at for at in range(options.option_count) if not options.get_option_at_index(at).disabled)
        options.highlighted = next(enabled, None)
        self.tell(self.said(len(found), self.typed))

    def tell(self, text: str) -> None:
        self.query_one("#said", Static).update(Content(untrusted.plain(text)))

    def refuse(self, why: str) -> None:
        self.query_one("#said", Static).update(Content.styled(f"✗ {untrusted.plain(why)}", "$text-error"))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.loaded:
            self._show()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.agreed()
