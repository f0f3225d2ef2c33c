"""The whole journey with nobody at the keyboard: each step's events, over any `Services`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from ..errors import HostKeyUnknown, RunError, ServiceError
from ..events import Event, ModelRegistered, Notice, Predicted, RunCreated, RunFinished, ServiceChanged
from ..services import Events, Services
from . import dataset


@dataclass
class Journey:
    """What later steps need of earlier ones."""

    services: Services
    job: Path
    fingerprint: str
    run: str = ""
    model: str = ""
    service: str = ""
    answer: Predicted | None = None

    def note(self, event: Event) -> None:
        if isinstance(event, RunCreated):
            self.run = event.run
        elif isinstance(event, RunFinished) and event.status != "completed":
            raise RunError(f"the run {event.run} ended as {event.status}: {event.reason or 'no reason given'}")
        elif isinstance(event, ModelRegistered):
            self.model = f"{event.model}:{event.version}"
        elif isinstance(event, ServiceChanged) and event.info.state == "healthy":
            self.service = event.info.service
        elif isinstance(event, Predicted):
            self.answer = event


async def _meet(journey: Journey) -> AsyncGenerator[Event, None]:
    """The host-key ceremony: the key that the server shows is compared with the one that its owner told us."""
    connection = journey.services.connection
    try:
        async for event in connection.connect():
            yield event
        return
    except HostKeyUnknown as stranger:
        for line in (stranger.title, *stranger.facts["randomart"].splitlines()):
            yield Notice(text=line)
    yield Notice(text=f"its owner says {journey.fingerprint}: they are compared, and the key is pinned")
    async for event in connection.connect(fingerprint=journey.fingerprint, accept=journey.fingerprint):
        yield event


Step = tuple[str, Callable[[Journey], Events]]

STEPS: tuple[Step, ...] = (
    ("connect", _meet),
    ("check", lambda j: j.services.checks.run(("ssh",))),
    ("data check", lambda j: j.services.data.check()),
    ("data stage", lambda j: j.services.data.stage(dataset.FOLDER)),
    ("data list", lambda j: j.services.data.list()),
    ("run", lambda j: j.services.runs.launch(j.job)),
    ("follow", lambda j: j.services.runs.follow(j.run)),
    ("runs", lambda j: j.services.runs.list()),
    ("register", lambda j: j.services.models.register(j.run, name=dataset.MODEL)),
    ("package", lambda j: j.services.models.package(j.model)),
    ("deploy", lambda j: j.services.deploy.start(j.model)),
    ("invoke", lambda j: j.services.deploy.invoke(j.service, row=dataset.ROW)),
    ("undeploy", lambda j: j.services.deploy.stop(j.service)),
)


async def walk(services: Services, job: Path, fingerprint: str) -> AsyncGenerator[tuple[str, Event], None]:
    """(step's title, event) from connect to undeploy. Findings of checks do not end it.

    Raises what the services raise; RunError for a run that did not complete; ServiceError for a wrong answer.
    The service is stopped again whatever happens after its start.
    """
    journey = Journey(services, job, fingerprint)
    try:
        for title, begin in STEPS:
            async with aclosing(begin(journey)) as events:  # type: ignore[type-var]
                async for event in events:
                    journey.note(event)
                    if title == "undeploy":
                        journey.service = ""
                    yield title, event
    finally:
        if journey.service:
            async for _ in services.deploy.stop(journey.service):
                pass
    _judge(journey.answer)


def _judge(answer: Predicted | None) -> None:
    if answer is None:
        raise ServiceError("the service gave no answer")
    if answer.correct is not True:
        raise ServiceError(
            f"row {answer.row}: the answer was {answer.prediction} and the record says {answer.expected}",
            hint="the model is not what was trained, or the row is a hard one",
        )
