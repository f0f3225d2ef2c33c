"""`trainshed runs` and below, `show`, `logs`, `cancel`, `download`: what happened on the VM, and what still does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import command, group, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from core.events import RunInfo, RunsListed
    from core.services import Events, Services

GOING = ("created", "preparing", "running")
ENDED = ("completed", "failed", "cancelled", "lost")
QUEUED = "queued"  # created, and waiting for its turn
STATES = (QUEUED, *GOING, *ENDED)


@group("runs", invoke_without_command=True)
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Those in this state.")
@click.option("--experiment", metavar="NAME", help="Those of this experiment.")
@click.pass_context
def runs(context: click.Context, states: tuple[str, ...], experiment: str | None) -> None:
    """List the runs, compare two, or delete some."""
    if context.invoked_subcommand is not None:
        if states or experiment:
            raise click.UsageError("--state and --experiment of runs choose what is listed")
        return
    from core.events import RunsListed

    from .. import driver, simple

    job = driver.Job(context.ensure_object(Settings))
    listed = driver.perform(job, lambda services: services.runs.list(), RunsListed)
    simple.show(job.output, _chosen(listed, states, experiment))


def _chosen(listed: RunsListed, states: tuple[str, ...], experiment: str | None) -> RunsListed:
    """Those in one of the states and of the experiment, where any are named."""
    import msgspec

    def shown(info: RunInfo) -> set[str]:
        return {info.state} if info.ahead is None else {info.state, QUEUED}

    kept = [info for info in listed.runs if shown(info) & set(states or STATES)]
    return msgspec.structs.replace(listed, runs=[info for info in kept if experiment in (None, info.experiment)])


@runs.command("compare")
@click.argument("a")
@click.argument("b")
@click.option("--only-differences", is_flag=True, help="Leave out what is the same.")
@pass_settings
def compare(settings: Settings, a: str, b: str, only_differences: bool) -> None:
    """Compare two runs, and their code line by line.

    Metrics, parameters, data, environment, resources. Texts that differ leave the VM; other files are only named.
    """
    from core.events import RunsCompared

    from .. import driver, simple, tables

    job = driver.Job(settings)
    found = driver.perform(job, lambda services: services.runs.compare(a, b), RunsCompared)
    if only_differences and not job.output.json:
        job.output.lines(tables.compared(found, only_differences=True))
    else:
        simple.show(job.output, found)


@runs.command("delete")
@click.argument("named", nargs=-1, metavar="[RUN]...")
@click.option("--older-than", "days", metavar="DAYS", type=click.FloatRange(min=0), help="Those that ended before.")
@click.option("--state", "states", multiple=True, type=click.Choice(ENDED), help="Those that ended so.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Other people's runs, too.")
@pass_settings
def delete(
    settings: Settings, named: tuple[str, ...], days: float | None, states: tuple[str, ...], yes: bool, force: bool
) -> None:
    """Remove runs that have ended from the VM: log, outputs, models and all.

    What is recorded in the workspace, registered or packaged stays. A run that has not ended is never removed.
    """
    from .deletion import remove

    settings.refuse_if_read_only("runs delete")
    remove(settings, named, days, states, yes=yes, force=force)


@command("show")
@click.argument("run")
@pass_settings
def show(settings: Settings, run: str) -> None:
    """Show one RUN: a unique beginning of its id, or @latest."""
    from core.events import RunsListed

    from .. import driver, simple

    job = driver.Job(settings)
    listed = driver.perform(job, lambda services: services.runs.show(run), RunsListed)
    simple.show(job.output, listed.runs[0])


@command("logs")
@click.argument("run")
@click.option("--follow", "-f", is_flag=True, help="Go on until the run ends.")
@click.option("--from", "offset", type=click.IntRange(min=0), default=0, metavar="BYTE", help="Begin at this byte.")
@pass_settings
def logs(settings: Settings, run: str, follow: bool, offset: int) -> None:
    """Show the log of RUN as far as it goes, or follow it."""
    from core import events

    from .. import driver
    from ..following import Printed

    job = driver.Job(settings)
    printed = Printed(job, states=follow)
    driver.perform(job, lambda services: _log(services, run, follow, offset), events.RunsListed, on_event=printed.see)


async def _log(services: Services, run: str, follow: bool, offset: int) -> Events:
    """The run itself, then its log: to its end, or as long as it was when that was asked."""
    from contextlib import aclosing

    from core import events

    info: RunInfo | None = None
    async for event in services.runs.show(run):
        if isinstance(event, events.RunsListed):
            info = event.runs[0]
        yield event
    if info is None or (not follow and offset >= info.log_bytes):
        return
    async with aclosing(services.runs.follow(info.run, offset=offset)) as happening:  # type: ignore[type-var]
        async for event in happening:
            yield event
            if not follow and isinstance(event, events.LogText) and event.offset + event.size >= info.log_bytes:
                return


@command("cancel")
@click.argument("run")
@click.option("--force", is_flag=True, help="Another person's run, too.")
@pass_settings
def cancel(settings: Settings, run: str, force: bool) -> None:
    """Stop RUN; what it logged stays."""
    from core.events import RunStateChanged

    from ..simple import ask

    settings.refuse_if_read_only("cancel")
    ask(settings, lambda services: services.runs.cancel(run, force=force), RunStateChanged)


@command("download")
@click.argument("run")
@click.option("--output", default="", metavar="NAME", help="This output alone, models included.")
@click.option(
    "--to", type=click.Path(path_type=Path), metavar="FOLDER", help="Default: a folder named by the run's id."
)
@click.option("--force", is_flag=True, help="Write over files that are there and differ.")
@pass_settings
def download(settings: Settings, run: str, output: str, to: Path | None, force: bool) -> None:
    """Fetch the outputs and artifacts of RUN.

    An MLflow model among the outputs comes only where --output names it; one that was logged stays on the VM.
    """
    from core.events import Downloaded

    from ..simple import ask

    settings.refuse_if_read_only("download")
    ask(settings, lambda services: services.runs.download(run, to=to, output=output, force=force), Downloaded)
