"""What `trainshed runs delete` does: choose, name, ask, remove."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core import events
from core.errors import UsageError

from .. import driver, tables
from ..output import Output
from ..questions import line
from ..settings import Settings
from ..words import size

if TYPE_CHECKING:
    from core.services import Events, Services

DAY_S = 86400.0
SHOWN = 20


def remove(
    settings: Settings, named: Sequence[str], days: float | None, states: Sequence[str], *, yes: bool, force: bool
) -> None:
    """Raises UsageError where nothing was named, or nobody can be asked."""
    if not named and days is None and not states:
        raise UsageError("runs delete: which runs?", hint="name them, or --older-than DAYS, or --state failed")
    job = driver.Job(settings)
    before = None if days is None else time.time() - days * DAY_S
    removed: list[events.RunDeleted] = []

    async def removal(services: Services) -> Events:
        listed = [run async for run in _listed(services, named)]
        chosen = [run for run in listed if named or _meant(run, before, states)]
        if chosen and not yes:
            _ask(settings, job.output, chosen)
        if chosen:
            async for event in services.runs.delete([run.run for run in chosen], force=force):
                if isinstance(event, events.RunDeleted):
                    removed.append(event)
                yield event
        yield events.RunsListed(runs=[])

    driver.perform(job, removal, events.RunsListed)
    if job.output.json:
        job.output.document({"deleted": [{"run": run.run, "bytes": run.bytes} for run in removed]})
    else:
        job.output.lines([f"{run.run}  {size(run.bytes)}" for run in removed] or ["nothing to delete"])


async def _listed(services: Services, named: Sequence[str]) -> Any:
    for operation in [services.runs.show(run) for run in named] or [services.runs.list()]:
        async for event in operation:
            if isinstance(event, events.RunsListed):
                for run in event.runs:
                    yield run


def _meant(run: events.RunInfo, before: float | None, states: Sequence[str]) -> bool:
    if run.state not in events.TERMINAL or (states and run.state not in states):
        return False
    return before is None or (run.ended or run.created) < before


def _ask(settings: Settings, output: Output, chosen: Sequence[events.RunInfo]) -> None:
    """Names what will go. Raises UsageError where the answer is not yes."""
    for row in tables.runs(chosen[:SHOWN]):
        output.note(row)
    if len(chosen) > SHOWN:
        output.note(f"  and {len(chosen) - SHOWN} more")
    models = sorted({name for run in chosen for name in run.models})
    if models:
        output.note(f"Their models go with them, and cannot be packaged any more: {', '.join(models)}", "warning")
    if not settings.may_ask:
        raise UsageError(
            f"runs delete: {len(chosen)} runs would be removed", hint="--yes removes them without a question"
        )
    what = f"run {chosen[0].run}" if len(chosen) == 1 else f"these {len(chosen)} runs"
    if line(f'Remove {what} from the VM for good? Type "yes": ') != "yes":
        raise UsageError("nothing was removed")
