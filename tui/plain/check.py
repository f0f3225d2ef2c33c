"""2 Check: what was verified, each finding in a sentence, the bad ones again on request, and put right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from core import events

from ..words import STATUS, plural
from .fix import PlainFix
from .prompts import Choice
from .step import PlainStep
from .talk import Doing, Talk
from .telling import check as sentences


class PlainCheck(PlainStep):
    STEP = "check"

    def __init__(self, talk: Talk) -> None:
        super().__init__(talk)
        self.checks: dict[str, events.CheckFinished] = {}
        self.fixing = PlainFix(self)
        self._checking = False  # not fixing
        self._earlier = False  # what is known is of the check before
        self._last: Callable[[], Awaitable[None]] = self.check

    def choices(self) -> list[Choice]:
        return [
            Choice("check", "Check the VM's SSH server and the way to the data", self.check),
            Choice("findings", f"Hear {plural(len(self._bad), 'finding')} again", self.findings),
            Choice("fix", "Choose findings of the SSH server, hear what would change, and put them right", self.fix),
            Choice("undo", "Take the last fix of the VM back", self.undo),
        ]

    @property
    def _bad(self) -> list[events.CheckFinished]:
        return [one for one in self.checks.values() if one.status in ("fail", "warn")]

    async def check(self) -> None:
        self._checking, self._earlier, self._last = True, True, self.check
        await self.operate(Doing("Checking", ("check",), self.session.services.checks.run))

    async def repeat(self) -> None:
        """What failed is not done again unheard: a fix is planned anew."""
        await self._last()

    async def findings(self) -> None:
        for one in self._bad:
            self.talk.say(*sentences(one))
        if not self._bad:
            self.talk.say("Nothing was found wrong." if self.checks else "Nothing was checked yet.")

    async def fix(self) -> None:
        found = [one for one in self._bad if one.group == "ssh"]
        if not found:
            self.talk.say("There is no finding of the SSH server." if self.checks else "Nothing was checked yet.")
            return
        ids = await self.fixing.choose(found)
        if ids:
            await self._perform(ids, undo=False)

    async def undo(self) -> None:
        await self._perform([], undo=True)

    async def _perform(self, ids: list[str], *, undo: bool) -> None:
        self._checking, self._last = False, partial(self._perform, ids, undo=undo)
        if await self.fixing.perform(ids, undo):
            self.talk.say("The fix is taken back." if undo else "Choose undo to take it back.")
            if self.checks:
                self._count()

    def receive(self, event: events.Event) -> None:
        if not isinstance(event, events.CheckFinished):
            self.fixing.receive(event)
        elif self._checking:
            if self._earlier:  # a check that fails takes nothing away
                self._earlier, self.checks = False, {}
            self.checks[event.id] = event
        elif event.id in self.checks:
            self.checks[event.id] = event

    def done(self, doing: Doing) -> None:
        if doing.counts:
            self._count()

    def _count(self) -> None:
        counts = {status: sum(one.status == status for one in self.checks.values()) for status in STATUS}
        text = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        self.finish(text, text or "nothing was checked")
