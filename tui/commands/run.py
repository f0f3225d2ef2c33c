"""`trainshed run` and `rerun`: launch a job file or an earlier run again, and follow it or leave it to itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ..options import command, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from core.services import Events, Services

EXAMPLE = "inputs.learning_rate=0.01"
ALL = 1 << 30  # a terminal scrolls, and a pipe searches


@command("run")
@click.argument("job", type=click.Path(path_type=Path), metavar="JOB.yml")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help=f"Change the job: --set {EXAMPLE}.")
@click.option("--dry-run", is_flag=True, help="Resolve everything, start nothing.")
@click.option("--follow/--detach", default=True, show_default=True, help="Follow the run, or print its id and leave.")
@click.option("--id", "ulid", metavar="ULID", help="The run's id, made earlier: launching it again finds the first.")
@pass_settings
def run(settings: Settings, job: Path, changes: tuple[str, ...], dry_run: bool, follow: bool, ulid: str | None) -> int:
    """Launch the Azure ML command job of JOB.yml on the VM.

    Ctrl-C stops the watching, not the run.
    """
    from ..assignments import parsed

    values = parsed(changes, "--set", EXAMPLE)
    if dry_run:
        return _rehearse(settings, lambda services: services.runs.launch(job, settings=values, dry=True))
    settings.refuse_if_read_only("run")
    identity = _identity(ulid)
    return _launch(
        settings, lambda services: services.runs.launch(job, settings=values, run=identity), identity, follow
    )


@command("rerun")
@click.argument("run")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help=f"Change the job: --set {EXAMPLE}.")
@click.option("--resume", is_flag=True, help="Begin with what RUN left in outputs/checkpoints.")
@click.option("--dry-run", is_flag=True, help="Resolve everything, start nothing.")
@click.option("--follow/--detach", default=True, show_default=True, help="Follow the run, or print its id and leave.")
@click.option("--id", "ulid", metavar="ULID", help="The new run's id, made earlier.")
@pass_settings
def rerun(
    settings: Settings,
    run: str,
    changes: tuple[str, ...],
    resume: bool,
    dry_run: bool,
    follow: bool,
    ulid: str | None,
) -> int:
    """Start RUN again, from its own code, data and environment.

    Nothing of it is needed on this machine.
    """
    from ..assignments import parsed

    values = parsed(changes, "--set", EXAMPLE)
    if dry_run:
        return _rehearse(settings, lambda services: services.runs.rerun(run, settings=values, resume=resume, dry=True))
    settings.refuse_if_read_only("rerun")
    identity = _identity(ulid)

    def again(services: Services) -> Events:
        return services.runs.rerun(run, settings=values, resume=resume, new=identity)

    return _launch(settings, again, identity, follow)


def _identity(given: str | None) -> str:
    """The run's id: known before anything starts, so that an interruption can name it. Raises UsageError."""
    from core.errors import UsageError
    from core.jobs import ulid

    if given is None:
        return ulid.new()
    if not ulid.valid(given):
        raise UsageError(f"--id {given!r} is not a ULID", hint="26 characters of 0-9 and A-Z without I, L, O and U")
    return given


def _rehearse(settings: Settings, start: Callable[[Services], Events]) -> int:
    """What would run, on stdout."""
    from core import events

    from .. import driver, tables

    work = driver.Job(settings)
    said: list[events.JobResolved] = []

    def see(event: events.Event) -> None:
        if settings.json:
            work.output.stream(event)
        elif isinstance(event, events.JobResolved):
            said[:] = [event]

    try:
        driver.perform(work, start, events.JobResolved, on_event=see)
    finally:  # what is known is shown also where the VM then refuses it
        if said:
            work.output.lines(tables.resolved(said[0], listed=ALL))
    work.output.note("  nothing was started")
    return 0


def _launch(settings: Settings, start: Callable[[Services], Events], identity: str, follow: bool) -> int:
    from core import events

    from .. import driver
    from ..following import Printed, summary

    work = driver.Job(settings)
    work.launching = identity
    printed = Printed(work)

    async def launched(services: Services) -> Events:
        made = ""
        async with aclosing(cast("Any", start(services))) as starting:
            async for event in starting:
                made = event.run if isinstance(event, events.RunCreated) else made
                yield event
        if follow and made:
            async with aclosing(cast("Any", services.runs.follow(made))) as following:
                async for event in following:
                    yield event

    if not follow:
        created = driver.perform(work, launched, events.RunCreated, on_event=printed.see)
        if not settings.json:
            work.output.lines([created.run])
        return 0
    ended = driver.perform(work, launched, events.RunFinished, on_event=printed.see)
    summary(work, ended)
    return 0 if ended.status == "completed" else 1
