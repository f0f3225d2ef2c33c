"""The rail: the six steps with their true states; a column where there is room, a row at 80 columns."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from tui import words
from tui.steps import STEPS, Journey, Step


class RailItem(Static):
    """One step: number and title, then glyph and word of its state. A click goes there."""

    ALLOW_SELECT = False

    class Chosen(Message):
        def __init__(self, step: str) -> None:
            super().__init__()
            self.step = step

    def __init__(self, number: int, step: Step) -> None:
        super().__init__(id=f"rail-{step.id}")
        self.number = number
        self.step = step

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(self.Chosen(self.step.id))

    def tell(self, state: str, note: str, here: bool, why: str = "") -> None:
        """`note`: a few words; `why`: the same in a sentence, shown under the pointer."""
        mark = words.STEP[state]
        self.tooltip = Content(why) if why else None
        parts = [(f"{self.number} {self.step.title}\n", "bold" if here else ""), (str(mark), mark.style)]
        self.update(Content.assemble(*parts, (f"\n{note}", "$muted")))
        self.set_class(here, "here")


class Rail(Container):
    """`journey` is read whenever `tell` is called."""

    def __init__(self, journey: Journey, here: str) -> None:
        super().__init__(id="rail")
        self.journey, self.here = journey, here

    def compose(self) -> ComposeResult:
        for number, step in enumerate(STEPS, 1):
            item = RailItem(number, step)
            self._tell(item)
            yield item

    def tell(self, here: str) -> None:
        self.here = here
        for item in self.query(RailItem):
            self._tell(item)

    def _tell(self, item: RailItem) -> None:
        step, journey = item.step.id, self.journey
        stale = journey.states[step] == "stale"
        note = journey.known[step].cause if stale else journey.notes[step]
        item.tell(journey.states[step], note, step == self.here, journey.told(step))
