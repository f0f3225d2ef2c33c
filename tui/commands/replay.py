"""`trainshed replay`: a recorded session again, with no VM and no network."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import command, pass_settings
from ..settings import Settings

MAX = "max"  # nothing waits


def _speed(context: click.Context, parameter: click.Parameter, value: str) -> float:
    if value == MAX:
        return 0.0
    found: float = click.FloatRange(min=0)(value, parameter, context)
    return found


@command("replay")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--speed", callback=_speed, default="1", show_default=True, metavar="N|max", help="10: ten times as fast."
)
@click.option("--step", is_flag=True, help="Stop before each phase: . on the screen or Enter as text goes on.")
@click.option("--by-hand", is_flag=True, help="On the screen: nothing begins before you press its key.")
@pass_settings
def replay(settings: Settings, file: Path, speed: float, step: bool, by_hand: bool) -> int:
    """Play the session that FILE holds: on the screen, or as text where stdout is no terminal.

    With --speed max nothing waits. On the screen . pauses and goes on.
    """
    return play(settings, file, speed, step=step, by_hand=by_hand)


def play(
    settings: Settings, file: Path, speed: float, *, step: bool = False, headless: bool = False, by_hand: bool = False
) -> int:
    """The exit code. Raises ConfigError for what is not a journal."""
    from core import journal
    from core.pace import Pace

    if settings.may_draw and not headless and not settings.plain:
        from .start import show

        pace, found = Pace(speed, step=step), journal.read(file)
        takes = [] if by_hand or settings.read_only else found.takes
        return show(journal.services(found, pace), settings, label="replay", pace=pace, takes=takes)
    return _told(settings, file, speed, step)


def _told(settings: Settings, file: Path, speed: float, step: bool) -> int:
    """As text; with `step` Enter goes on, and the end of the input lets the rest play."""
    from core import journal
    from core.errors import UsageError
    from core.pace import Pace

    from .. import driver
    from ..plain.prompts import Ended, Prompts
    from ..story import tell_journal

    if step and (settings.json or settings.no_input):
        raise UsageError("--step waits for Enter: it does not go with --json or --no-input")
    job = driver.Job(settings, together=True)
    prompts = Prompts(job.output, job.advice)

    async def gate() -> None:
        try:
            await prompts.line("Enter goes on: ")
        except Ended:
            pace.step = False

    pace = Pace(speed, step=step, gate=gate)
    driver.finish(job, tell_journal(journal.read(file), pace, job.output))
    return 0
