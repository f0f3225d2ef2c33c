"""What each step of the plain journey fills in."""

from __future__ import annotations

from typing import ClassVar

from core import events

from ..steps import BY_ID
from .prompts import Choice
from .talk import Doing, Talk


class PlainStep:
    STEP: ClassVar[str]

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.session = talk.session
        self.step = BY_ID[self.STEP]
        self.again: Doing | None = None  # what "again" does
        self.found = ""  # in words, for whoever comes back

    def choices(self) -> list[Choice]:
        """What can be done here now, the numbers stay the same."""
        raise NotImplementedError

    def receive(self, event: events.Event) -> None:
        """One event of the operation, before it is told."""

    def done(self, doing: Doing) -> None:
        """The operation has ended well."""

    async def entered(self) -> None:
        """Somebody came to the step."""

    @property
    def usual(self) -> str:
        """The word that Enter stands for; "" is the first choice."""
        journey = self.session.journey
        return "next" if journey.states[self.STEP] == "done" and not journey.known[self.STEP].earlier else ""

    async def operate(self, doing: Doing) -> None:
        self.again = doing
        if await self.talk.operate(self.STEP, doing, self.receive):
            self.done(doing)

    async def repeat(self) -> None:
        """The same operation with what is typed now."""
        if self.again is not None:
            await self.operate(self.again)

    def typed(self, field: str, default: str = "") -> str:
        return self.talk.typed.get(f"{self.STEP}.{field}", default)

    async def ask(self, field: str, label: str, hint: str, default: str = "") -> None:
        await self.talk.field(self.STEP, field, label, hint, default)

    def finish(self, result: str, note: str) -> None:
        self.found = note
        self.session.journey.finish(self.STEP, result, note)
