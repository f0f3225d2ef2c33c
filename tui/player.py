"""Plays a recorded session on the screens by itself: each operation in its step, each question answered as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.worker import WorkerError

from core.journal import Take
from core.pace import Pace
from core.site.secrets import Secret

from .screens.dialogues import HostKeyQuestion, SecretQuestion
from .screens.place import Place

if TYPE_CHECKING:
    from .app import TrainshedApp

READ_S = 2.0  # for what an operation, or a question, has put on the screen
LOOK_S = 0.02
TRIES = 3  # of the main button: Launch shows first what it does
STEPS = {
    "connection.connect": "connect",
    "checks.run": "check",
    "data.check": "data",
    "data.stage": "data",
    "runs.launch": "launch",
    "runs.follow": "watch",
    "models.register": "model",
    "models.package": "model",
    "deploy.start": "model",
    "deploy.invoke": "model",
}


class Player:
    """`takes`: what was recorded, in order. Whoever is at the keys can look around meanwhile, or pause it."""

    def __init__(self, app: TrainshedApp, takes: Sequence[Take], pace: Pace) -> None:
        self._app, self._takes, self._pace = app, takes, pace

    async def play(self) -> None:
        """To the end of the recording."""
        await self._app.wizard.complete.wait()
        for take in self._takes:
            await self._pace.rest(READ_S)
            if take.op == "runs.list":
                await self._look_at_runs(take)
            elif take.op in STEPS:
                await self._do(take, STEPS[take.op])
        self._app.notify("The recording has ended. The steps can still be looked at; q quits.", markup=False)

    async def _do(self, take: Take, step: str) -> None:
        """Presses the step's main button until the operation has been played, or it was there already."""
        wizard = self._app.wizard
        await self._answer(take)
        if wizard.here != step:
            await wizard.go(step)
        for _ in range(TRIES):
            await self._ended()
            if take.played and (step != "launch" or self._app.session.run):
                return
            await self._pace.rest(READ_S)
            wizard.pane.primary()[1]()

    async def _ended(self) -> None:
        worker = self._app.wizard.pane.work.worker
        if worker is not None:
            try:
                await worker.wait()
            except WorkerError:
                pass  # an error is on the screen, as it was

    async def _answer(self, take: Take) -> None:
        """What is asked, where the recording goes on with the answer."""
        here = self._app.screen
        if take.op != "connection.connect" or not isinstance(here, HostKeyQuestion | SecretQuestion):
            return
        await self._pace.rest(READ_S)
        if isinstance(here, HostKeyQuestion):
            here.dismiss(here.facts.get("fingerprint", ""))
        else:
            here.dismiss(Secret("as it was"))
        await _until(lambda: take.played)

    async def _look_at_runs(self, take: Take) -> None:
        self._app.wizard.action_runs()
        runs = self._app.screen
        await _until(lambda: take.played or self._app.screen is not runs)
        await self._pace.rest(READ_S)
        if self._app.screen is runs and isinstance(runs, Place):
            runs.action_back()


async def _until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - nobody tells when
        await asyncio.sleep(LOOK_S)
