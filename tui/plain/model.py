"""6 Model: register, package, deploy, invoke, one after the other."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial

from core import events
from core.errors import UsageError
from core.services import Events

from ..assignments import parsed
from ..words import short
from .prompts import Choice
from .step import PlainStep
from .talk import Doing

STAGES = ("register", "package", "deploy", "ask")


class PlainModel(PlainStep):
    STEP = "model"
    about = ""  # the run that the stages are of
    stage = 0  # how many are done
    model = service = ""

    async def entered(self) -> None:
        if self.session.run != self.about:
            self.about, self.stage, self.model, self.service = self.session.run, 0, "", ""

    def choices(self) -> list[Choice]:
        says = {
            "register": f"Register the model of {short(self.about) if self.about else 'the latest run'}",
            "package": f"Package {self.model or 'it'} on the VM as a folder that serves",
            "deploy": f"Serve {self.model or 'it'} in a sandbox without the data",
            "ask": f"Ask {self.service or 'it'} for row {self._row()}; the record stays on the VM",
        }
        does = {"register": self.register, "package": self.package, "deploy": self.deploy, "ask": self.invoke}
        change = Choice("change", "Change the model's name, its tags, or the row", self.change)
        return [*(Choice(name, says[name], does[name]) for name in STAGES), change]

    @property
    def usual(self) -> str:
        return "quit" if self.stage == len(STAGES) else STAGES[self.stage]

    def _row(self) -> str:
        return self.typed("row", str(self.session.row))

    async def change(self) -> None:
        await self.ask("name", "Name", "optional, the name that the run logged")
        await self.ask("tags", "Tags", "optional, such as team=ward-7 stage=trial")
        await self.ask("row", "Row", "its number, from 0", self._row())

    async def register(self) -> None:
        run = self.about or "@latest"
        try:
            tags = parsed(pairs := shlex.split(self.typed("tags")), "Tags:", "team=ward-7")
        except (ValueError, UsageError) as error:
            self.talk.say(f"{error}. Choose change to correct it.")
            return
        name = self.typed("name") or None
        words = [*(["--name", name] if name else []), *(word for pair in pairs for word in ("--tag", pair))]
        begin = partial(self.session.services.models.register, run, name=name, tags=tags or None)
        await self._do(0, "Registering the model", ("models", "register", run, *words), begin)

    async def package(self) -> None:
        begin = partial(self.session.services.models.package, self.model)
        await self._do(1, f"Packaging {self.model}", ("models", "package", self.model), begin)

    async def deploy(self) -> None:
        begin = partial(self.session.services.deploy.start, self.model)
        await self._do(2, f"Starting {self.model} on {self.session.vm}", ("deploy", self.model), begin)

    async def invoke(self) -> None:
        row = self._row()
        if not (row.isascii() and row.isdigit()):
            self.talk.say(f"The row is {row!r}, not a number such as 17. Choose change to correct it.")
            return
        begin = partial(self.session.services.deploy.invoke, self.service, row=int(row))
        words = ("invoke", self.service, "--row", row)
        await self._do(3, f"Asking {self.service} for row {row}", words, begin)

    async def _do(self, stage: int, title: str, words: tuple[str, ...], begin: Callable[..., Events]) -> None:
        if stage > self.stage:
            self.talk.say(f"The next stage is {STAGES[self.stage]}.")
            return
        self._at = stage
        await self.operate(Doing(title, words, begin, changes=stage < len(STAGES) - 1))

    async def repeat(self) -> None:
        await (self.register, self.package, self.deploy, self.invoke)[self._at]()

    _at = 0  # the stage that was begun last

    def receive(self, event: events.Event) -> None:
        match event:
            case events.ModelRegistered():
                self.model = f"{event.model}:{event.version}"
            case events.ServiceChanged(info=info):
                self.service = info.service
            case _:
                pass

    def done(self, doing: Doing) -> None:  # noqa: ARG002
        self.stage = self._at + 1  # what was made of the stage before is not what comes of this one
        if self.stage < len(STAGES):
            self.session.journey.stop(self.STEP)
            self.found = f"{STAGES[self._at]} is done, {STAGES[self.stage]} is next"
            return
        self.finish(f"{self.about} {self.model}", f"{self.model} answers as {self.service}")
        self.talk.say("Done: trained, registered, served and asked, all on the VM.")
