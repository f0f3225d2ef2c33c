"""3 Data: the path from the VM to the container, then the data staged on the VM."""

from __future__ import annotations

from functools import partial

from core import events
from core.data.links import row_of

from ..text import harmless
from ..words import plural, size
from .prompts import Choice
from .staged import PlainStaged
from .talk import Doing


class PlainData(PlainStaged):
    STEP = "data"
    whole = False  # every link of the path held
    broken: events.CheckFinished | None = None
    staged: events.DataStaged | None = None

    def choices(self) -> list[Choice]:
        return [
            Choice("path", "Follow the path to the container", self.path),
            Choice("stage", f"Stage {self.typed('path') or 'all of it'} on the VM", self.stage),
            Choice("change", "Change what is staged", self.change),
            *self.store_choices(),
        ]

    @property
    def usual(self) -> str:
        return super().usual or ("stage" if self.whole else "path")

    async def path(self) -> None:
        self.whole, self.broken = False, None
        data = self.session.services.data
        await self.operate(Doing("Following the path to the data", ("check", "data"), data.check))

    async def stage(self) -> None:
        path = self.typed("path")
        begin = partial(self.session.services.data.stage, path)
        line = ("data", "stage", path) if path else ("data", "stage")
        await self.operate(Doing("Staging on the VM", line, begin, changes=True))

    async def change(self) -> None:
        await self.ask("path", "What to stage", "a blob, or a folder that ends in a slash; nothing means all of it")

    def receive(self, event: events.Event) -> None:
        if isinstance(event, events.CheckFinished) and event.status == "fail":
            self.broken = self.broken or event
        elif isinstance(event, events.DataStaged):
            self.staged = self.session.staged = event
        else:
            self.store_received(event)

    def done(self, doing: Doing) -> None:
        if doing.line[:2] not in (("data", "stage"), ("check", "data")):
            self.store_done()
            return
        if doing.changes and self.staged is not None:
            data = self.staged.data
            what = f"{data.path or 'all'} is staged, {plural(data.files, 'file')}, {size(data.bytes)}"
            self.finish(data.digest, what)
            return
        self.whole = self.broken is None
        if self.broken is not None:
            link = row_of(self.broken.id).word
            self.session.journey.fail(self.STEP, f"broken at {link}")
            self.talk.say(f"The path breaks at {link}: {harmless(self.broken.evidence)}")
            self.talk.say(*([f"What to do: {harmless(self.broken.fix)}"] if self.broken.fix else []))
            self.talk.say('Correct it, then say "path".')
        else:
            self.session.journey.stop(self.STEP)
            self.session.journey.withdraw(self.STEP)  # the path was what failed
            self.found = "the path holds"
            self.talk.say("The path holds. Staged data do not pass through this computer.")
