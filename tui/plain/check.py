"""2 Check: what was verified, each finding in a sentence, and the bad ones again on request."""

from __future__ import annotations

from core import events

from ..words import STATUS, plural
from .prompts import Choice
from .step import PlainStep
from .talk import Doing
from .telling import check as sentences


class PlainCheck(PlainStep):
    STEP = "check"
    checks: list[events.CheckFinished] = []  # noqa: RUF012 - replaced by each check

    def choices(self) -> list[Choice]:
        return [
            Choice("check", "Check the VM's SSH server and the way to the data", self.check),
            Choice("findings", f"Hear {plural(len(self._bad), 'finding')} again", self.findings),
        ]

    @property
    def _bad(self) -> list[events.CheckFinished]:
        return [one for one in self.checks if one.status in ("fail", "warn")]

    async def check(self) -> None:
        self.checks = []
        await self.operate(Doing("Checking", ("check",), self.session.services.checks.run))

    repeat = check

    async def findings(self) -> None:
        for one in self._bad:
            self.talk.say(*sentences(one))
        if not self._bad:
            self.talk.say("Nothing was found wrong." if self.checks else "Nothing was checked yet.")

    def receive(self, event: events.Event) -> None:
        if isinstance(event, events.CheckFinished):
            self.checks.append(event)

    def done(self, doing: Doing) -> None:  # noqa: ARG002
        counts = {status: sum(one.status == status for one in self.checks) for status in STATUS}
        text = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        self.finish(text, text or "nothing was checked")
