"""`trainshed replay`: a recorded session again, with no VM and no network."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import command, pass_settings
from ..settings import Settings


@command("replay")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--speed", type=click.FloatRange(min=0), default=1.0, show_default=True, help="10: ten times as fast.")
@pass_settings
def replay(settings: Settings, file: Path, speed: float) -> int:
    """Play the session that FILE holds: on the screen, or as text where stdout is no terminal.

    With --speed 0 nothing waits.
    """
    return play(settings, file, speed)


def play(settings: Settings, file: Path, speed: float, *, headless: bool = False) -> int:
    """The exit code. Raises ConfigError for what is not a journal."""
    from core import journal

    if settings.may_draw and not headless and not settings.plain:
        from .start import show

        return show(journal.replayed(file, speed=speed), settings, label="replay")
    from .. import driver
    from ..story import tell_journal

    job = driver.Job(settings, together=True)
    driver.finish(job, tell_journal(journal.read(file), speed, job.output))
    return 0
