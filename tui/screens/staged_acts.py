"""What the Data screen does with what is staged: looks what is there, evicts and purges, each after it was named."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import DescendantBlur, DescendantFocus

from core import events
from core.errors import TrainshedError
from tui import staged, untrusted, words
from tui.staged import Item
from tui.widgets.staged import StagedBox, StagedTable, name_of, state

from .dialogues import TypedConfirmation
from .pane import StepPane
from .work import Task, heard

NAMED = 8  # things that a question names; of the others it says how many


class StagedActs(StepPane):
    """For DataPane, which has a StagedBox and hands on what it receives."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "staged", "What is staged on the VM", show=False, id="data.staged"),
    ]

    chosen: events.DataChosen | None = None
    removed: events.DataEvicted | events.DataPurged | None = None

    @property
    def box(self) -> StagedBox:
        return self.query_one(StagedBox)

    @property
    def table(self) -> StagedTable:
        return self.query_one(StagedTable)

    @property
    def at_list(self) -> bool:
        """Whether the list has the keys."""
        return self.is_mounted and self.screen.focused is self.table

    @property
    def hidden(self) -> frozenset[str]:
        return self.HIDES | {"r", "b", "n"} if self.at_list else self.HIDES

    def gone(self, digests: set[str]) -> None:
        """These are not on the VM any more."""
        raise NotImplementedError

    # Looking.

    def look(self) -> None:
        """Quietly: an error of the link is told by what was asked for."""
        self.run_worker(self._look(), group="staged", exclusive=True)

    async def _look(self) -> None:
        try:
            async with heard(self.session, self.session.services.data.list()) as stream:
                async for event in stream:
                    self.received(untrusted.event(event))
        except TrainshedError:
            pass  # a recording may have none

    def action_staged(self) -> None:
        """To the list, which is asked for first where nobody has seen it."""
        if self.box.display and not self.at_list:
            self.table.focus()
            self.look()
            return
        line = self.session.line("data", "list")
        begin = self.session.services.data.list
        self.operate(Task("Looking what is staged", line, begin, self._looked, retry=self.action_staged, counts=False))

    def _looked(self) -> tuple[str, str]:
        self.table.focus()
        return "pass", "space marks, x evicts (it can be staged again), p purges for good, enter tells more."

    def received(self, event: events.Event) -> None:
        match event:
            case events.DataListed():
                self.box.tell(event, self.session.vm)
            case events.DataChosen():
                self.chosen = event
            case events.DataEvicted() | events.DataPurged():
                self.removed = event
                self.gone({each.digest for each in event.versions})
            case _:
                pass

    def leave_field(self) -> bool:
        if self.at_list and not self.going:
            self.focus_first()
            return True
        return super().leave_field()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        self._make_room(event.widget is self.table)

    def on_descendant_blur(self, _event: DescendantBlur) -> None:
        """The list can lose the keys to nothing: in a window that is too small it is not seen."""
        self._make_room(self.at_list)

    def _make_room(self, here: bool) -> None:
        self.set_class(here, "-list")
        self.box.hint(here=here)
        self.screen.refresh_bindings()

    def on_staged_table_moved(self, event: StagedTable.Moved) -> None:
        event.stop()
        self.status.say(self._told(self.table.current) if event.tell else self._marks())

    def _marks(self) -> str:
        count = len(self.table.marked)
        return (
            f"{count} marked: x evicts, p purges." if count else "Nothing is marked: x and p mean the one you are at."
        )

    @staticmethod
    def _told(item: Item | None) -> str:
        if item is None:
            return "Nothing is staged."
        more = "" if isinstance(item, events.PartialData) else "".join(
            f"; {each.kind} {each.name} ({each.state}) needs it" for each in item.held
        )  # fmt: skip
        return f"{staged.one(item)}; {state(item)[0]}{more}"

    # Removing.

    def on_staged_table_asked(self, event: StagedTable.Asked) -> None:
        event.stop()
        self.ask(event.what)

    def ask(self, what: str) -> None:
        """The VM says what would go, then a person does."""
        meant = self.table.meant()
        if self.session.read_only:
            self.say(f"Read-only: nothing is {what}{'d' if what.endswith('e') else 'ed'}. Start without --read-only.")
            return
        if not meant:
            self.say(f"There is nothing to {what}: nothing is staged")
            return
        names = [name_of(each) for each in meant]
        self.chosen = None
        line = self.session.line("data", what, *self._short(names), "--dry-run")
        title = f"Looking what would be {'purged' if what == 'purge' else 'evicted'}"
        begin = partial(getattr(self.session.services.data, what), names, agreed=names, dry=True)
        self.operate(Task(title, line, begin, partial(self._question, what), partial(self.ask, what), counts=False))

    @staticmethod
    def _short(names: list[str]) -> list[str]:
        return [name[:12] if len(name) == 64 else name for name in names]

    def _question(self, what: str) -> tuple[str, str]:
        """How the look ended; where something would go, it is asked for."""
        chosen = self.chosen
        if chosen is None or not (chosen.versions or chosen.partial):
            why = staged.brief(chosen.stay[0]) if chosen is not None and chosen.stay else "it is not there any more"
            return "warn", f"Nothing would go: {why}"
        items = staged.going(chosen)
        rows = [staged.one(item) for item in items[:NAMED]] + [staged.stays(item) for item in chosen.stay]
        rows += [f"and {len(items) - NAMED} more"] if items[NAMED:] else []
        rows += ["", f"{self.session.vm}'s disk gains {staged.gain(chosen)}. {WHAT_IT_IS[what]}"]
        one = items[0]
        wanted = str(len(items)) if items[1:] else "1" if isinstance(one, events.PartialData) else one.digest[:12]
        title = f"{what.capitalize()} {'this' if not items[1:] else f'these {len(items)}'}?"
        question = TypedConfirmation(title, "\n".join(rows), wanted, yes=what.capitalize())
        names = [name_of(item) for item in items]
        self.app.push_screen(question, lambda yes: self._remove(what, names) if yes else None)
        return "pass", f"{words.plural(len(items), 'thing')} would go."

    def _remove(self, what: str, names: list[str]) -> None:
        self.removed = None
        begin = partial(getattr(self.session.services.data, what), names, agreed=names)
        line = self.session.line("data", what, *self._short(names), "--yes")
        title = "Purging" if what == "purge" else "Evicting"
        again = partial(self._remove, what, names)
        self.operate(Task(title, line, begin, self._ended, again, changes=True, counts=False))

    def _ended(self) -> tuple[str, str]:
        self.look()
        done = self.removed
        if done is None:
            return "warn", "Nothing has gone"
        said = f"{words.plural(len(staged.going(done)), 'thing')} gone, {words.size(done.bytes)} free again"
        if isinstance(done, events.DataPurged):
            where = "is kept here" if done.kept else "is on the VM alone"
            said += f". The receipt {done.receipt.get('receipt')} {where}."
            rest = len(staged.rest(done))
            said += f" {words.plural(rest, 'other')} may have records." if rest else ""
        return ("warn", f"{said} {staged.brief(done.stay[0])}") if done.stay else ("pass", said)


WHAT_IT_IS = {
    "evict": "It can be staged again from the container.",
    "purge": "It goes for good, and a receipt is kept; the container keeps what it has. Purged are files of the VM: "
    "blocks of its disk are not overwritten, backups of it are not touched.",
}
