"""`trainshed view`: a log file of this machine, of any size, in the screen of the watch step."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import command, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from core.threads import Stream

CHUNK = 1 << 16
MOST_WAITING = 64  # chunks: who writes faster waits


@command("view")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@pass_settings
def view(settings: Settings, file: Path) -> int:
    """Look at FILE and follow it as it grows, whatever its size; - is stdin."""
    from core.errors import UsageError

    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb" or settings.json:
        raise UsageError("view needs a terminal", hint="cat and tail print a file")
    from .. import background, driver

    text = _stdin() if str(file) == "-" else None
    with background.asked() as ground:
        from ..preferences import resolve
        from ..viewer import ViewerApp

        found = resolve(settings.set_by_flags)
        ground.look()
        try:
            app = ViewerApp(
                None if text is not None else file,
                text,
                read_only=settings.read_only,
                settings=found,
                light=ground.light,
            )
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror or error}") from None
        app.ground = ground
        driver.finish(driver.Job(settings), app.show())
    return app.return_code or 0


def _stdin() -> AsyncGenerator[list[str], None]:
    """What comes on stdin; the keys come from the terminal instead. Raises UsageError where there is none."""
    from core import threads
    from core.errors import UsageError

    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("nothing is piped into view -", hint="COMMAND | trainshed view -")
    pipe = os.dup(0)
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        raise UsageError("view - needs a terminal for its keys") from None
    os.dup2(terminal, 0)
    os.close(terminal)

    def read(stream: Stream) -> None:
        import codecs

        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while data := os.read(pipe, CHUNK):
            stream.put(decoder.decode(data))

    return threads.stream(read, "stdin", capacity=MOST_WAITING)
