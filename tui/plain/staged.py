"""What is staged on the VM, in the plain journey: told, evicted and purged, each after it was named."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core import events
from core.services import Events

from .. import staged
from .prompts import Choice
from .step import PlainStep
from .talk import Doing

DOES = {
    "evict": "Free the space of staged data, which can be staged again",
    "purge": "Remove records from the VM for good, with a receipt",
}


class PlainStaged(PlainStep):
    """For PlainData."""

    chosen: events.DataChosen | None = None
    lost = False  # what was staged in this session has gone

    def store_choices(self) -> list[Choice]:
        removals = [Choice(what, says, partial(self.remove, what)) for what, says in DOES.items()]
        return [Choice("list", "Say what is staged on the VM", self.listing), *removals]

    async def listing(self) -> None:
        await self._look("Looking what is staged", ("data", "list"), self.session.services.data.list)

    async def remove(self, what: str) -> None:
        """Looks what would go, asks, and does it."""
        if self.session.read_only:
            self.talk.say("Read-only: this would change something. Start without --read-only to do it.")
            return
        await self.ask(what, f"What to {what}", "a path, or the beginning of a digest, as list says them")
        target = self.typed(what)
        if not target:
            self.talk.say("Nothing was named, and nothing was removed.")
            return
        remove = getattr(self.session.services.data, what)
        self.chosen = None
        self.lost = False
        look = partial(remove, [target], dry=True)
        await self._look("Looking what would go", ("data", what, target, "--dry-run"), look)
        going = self._going()
        if not going:
            return
        if not await self.talk.prompts.sure(f"{what.capitalize()} this?"):
            self.talk.say("Nothing was removed.")
            return
        agreed = [item.digest if isinstance(item, events.StagedData) else item.name for item in going]
        begin = partial(remove, [target], agreed=agreed)
        doing = Doing(f"Removing by {what}", ("data", what, target), begin, changes=True, counts=False)
        await self.operate(doing)

    async def _look(self, title: str, line: tuple[str, ...], begin: Callable[..., Events]) -> None:
        """A mistake in what was typed is no failure of the step."""
        await self.operate(Doing(title, line, begin, counts=False))

    def _going(self) -> list[staged.Item]:
        return [] if self.chosen is None else staged.going(self.chosen)

    def store_done(self) -> None:
        """None of it is the step; but what the step was done for may have gone."""
        if self.lost:
            self.session.staged, self.lost = None, False
            self.session.journey.undone(self.STEP, "data removed", "what was staged is not on the VM any more")

    def store_received(self, event: events.Event) -> None:
        match event:
            case events.DataChosen():
                self.chosen = event
            case events.DataEvicted() | events.DataPurged():
                self.talk.say(*map(staged.stays, event.stay))
                here = self.session.staged
                self.lost = here is not None and here.data.digest in {item.digest for item in event.versions}
            case _:
                pass
