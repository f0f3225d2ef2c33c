"""`trainshed runs`, `show`, `logs`, `cancel`: what happened on the VM, and what still does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..options import command, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from core.events import RunInfo
    from core.services import Events, Services


@command("runs")
@pass_settings
def runs(settings: Settings) -> None:
    """List the runs."""
    from core.events import RunsListed

    from ..simple import ask

    ask(settings, lambda services: services.runs.list(), RunsListed)


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
@pass_settings
def cancel(settings: Settings, run: str) -> None:
    """Stop RUN; what it logged stays."""
    from core.events import RunStateChanged

    from ..simple import ask

    settings.refuse_if_read_only("cancel")
    ask(settings, lambda services: services.runs.cancel(run), RunStateChanged)
