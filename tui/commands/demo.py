"""`trainshed demo`: a site of real parts on this machine, and the whole journey on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..options import group, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from core.demo import DemoSite
    from core.services import Services

    from ..driver import Job


@group("demo", invoke_without_command=True)
@click.option("--headless", is_flag=True, help="Walk the journey and print it, also on a terminal.")
@click.option("--replay", is_flag=True, help="Play the recorded journey: no VM, no network, any platform.")
@click.option("--record", type=click.Path(path_type=Path), metavar="FILE", help="Record the session for `replay`.")
@click.option("--force", is_flag=True, help="Record into a file that is there already; what it holds is lost.")
@click.pass_context
def demo(context: click.Context, headless: bool, replay: bool, record: Path | None, force: bool) -> int:
    """Start a site on this machine, and walk through it.

    Real parts, all on loopback, all stopped again: an SSH server, blob storage, records, a job.
    """
    settings = context.ensure_object(Settings)
    _only_for_a_live_journey(record, replay, context.invoked_subcommand)
    journal = _journal(record, force)
    if context.invoked_subcommand is not None:
        return 0
    if replay:
        from core.demo import RECORDED

        from .replay import play

        return play(
            settings, RECORDED, 1.0 if settings.may_draw and not headless else 0.0, headless=headless, by_hand=True
        )
    settings.refuse_if_read_only("demo (it starts a site)")
    if journal is not None:
        journal.refuse_what_is_there()
    screen = settings.may_draw and not headless and not settings.plain
    asks = settings.plain and settings.on_terminal and not headless and not (settings.json or settings.no_input)
    from .. import driver

    job = driver.Job(settings, together=not screen)
    way = _on_screen if screen else _asked if asks else _walk
    return driver.finish(job, way(job, journal))


def _only_for_a_live_journey(record: Path | None, replay: bool, subcommand: str | None) -> None:
    """Raises UsageError for --record where nothing would be recorded."""
    if record is not None and (replay or subcommand):
        from core.errors import UsageError

        what = "--replay" if replay else subcommand
        raise UsageError(f"--record does not go with {what}", hint="trainshed demo --record FILE records the journey")


def _journal(record: Path | None, force: bool) -> Journal | None:
    """Raises UsageError for --force without a file."""
    if record is None and force:
        from core.errors import UsageError

        raise UsageError("--force goes with --record", hint="trainshed demo --record FILE --force")
    return None if record is None else Journal(record, force)


@dataclass(frozen=True)
class Journal:
    """Where the session is recorded; `force`: what is there may be lost."""

    path: Path
    force: bool

    def refuse_what_is_there(self) -> None:
        """Before anything is started. Raises UsageError."""
        import os

        if not self.force and os.path.lexists(self.path):
            raise self._there()

    def recording(self, services: Services) -> Services:
        """Raises UsageError for a file that cannot be written."""
        from core import journal
        from core.errors import UsageError

        try:
            return journal.recording(services, self.path, replace=self.force)
        except FileExistsError:
            raise self._there() from None
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from None

    def _there(self) -> Exception:
        from core.errors import UsageError

        return UsageError(f"{self.path} is there already", hint="another name, or --force to lose what it holds")


def _say_what_is_fetched(job: Job) -> None:
    from core.demo import to_fetch

    wanted = to_fetch()
    if wanted:
        job.output.note(f"Fetching {wanted}: once, a minute or so")


def _opened(job: Job, found: DemoSite, journal: Journal | None) -> Services:
    services = job.settings.open(found.site)
    return services if journal is None else journal.recording(services)


def _offered(found: DemoSite) -> dict[str, Any]:
    """What the session knows of the site."""
    return {"label": "demo", "vm_ends": not found.stays, "job": found.job, "fingerprint": found.fingerprint}


async def _on_screen(job: Job, journal: Journal | None) -> int:
    from core import demo as embedded

    from .. import background
    from .start import made

    job.output.note("Starting a site on this machine")
    _say_what_is_fetched(job)
    async with embedded.running() as found:
        services = _opened(job, found, journal)
        with background.asked() as ground:
            app = made(
                services,
                job.settings,
                ground,
                label="demo",
                vm_ends=not found.stays,
                job=found.job,
                fingerprint=found.fingerprint,
            )
            await app.show()
        return app.return_code or 0


async def _asked(job: Job, journal: Journal | None) -> int:
    """The journey as lines and questions."""
    import time

    from core import demo as embedded

    from ..plain.journey import Journey
    from ..session import Session

    job.output.note("Starting a site on this machine")
    _say_what_is_fetched(job)
    async with embedded.running() as found:
        services = _opened(job, found, journal)
        session = Session(
            services,
            label="demo",
            vm_ends=not found.stays,
            job=found.job,
            fingerprint=found.fingerprint,
            clock=time.monotonic,
        )
        return await Journey(job.settings, session).walk()


async def _walk(job: Job, journal: Journal | None) -> int:
    import time

    from core import demo as embedded
    from core.demo.walk import walk

    from ..story import heading, tell_steps
    from ..words import duration

    began = time.monotonic()
    heading("a site on this machine", job.output)
    _say_what_is_fetched(job)
    async with embedded.running() as found:
        services = _opened(job, found, journal)
        job.output.note(f"site file {found.site.path}")
        job.output.note(f"host key  {found.fingerprint}, read from the server's own file")
        try:
            steps = await tell_steps(walk(services, found.job, found.fingerprint), job.output)
        finally:
            await services.close()
    heading(f"done: {steps} steps in {duration(time.monotonic() - began)}, everything was stopped again", job.output)
    return 0


@demo.command("up")
@pass_settings
def up(settings: Settings) -> None:
    """Start the site, leave it running, and print its site file's path."""
    from core import demo as embedded

    from .. import driver
    from ..equal import equal_command

    settings.refuse_if_read_only("demo up")
    job = driver.Job(settings)
    _say_what_is_fetched(job)
    found = driver.finish(job, embedded.up())
    if settings.json:
        job.output.document({"site": found.site.name, "path": str(found.site.path), "fingerprint": found.fingerprint})
    else:
        job.output.lines([str(found.site.path)])
        job.output.note(f"host key {found.fingerprint}")
        job.output.note(equal_command(found.site, "connect", "--fingerprint", found.fingerprint))


@demo.command("down")
@pass_settings
def down(settings: Settings) -> None:
    """Stop what `demo up` started."""
    from core import demo as embedded

    from .. import driver

    settings.refuse_if_read_only("demo down")
    job = driver.Job(settings)
    going = driver.finish(job, embedded.down())
    if settings.json:
        job.output.document({"stopped": going is not None, "runs": going or []})
        return
    job.output.note("nothing was running" if going is None else "stopped the embedded site, and its VM with it")
    for run in going or []:
        job.output.note(f"run {run} was going there: it ended with the VM")
