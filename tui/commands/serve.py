"""`trainshed serve`: the full-screen interface in a browser of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import command, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from ..driver import Job

LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}
CALM_S = 10.0  # between two words about who was refused


@command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Of this machine's loopback.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: a free one.")
@click.option("--allow-changes", is_flag=True, help="Without this the browser can look and change nothing.")
@click.option(
    "--replay", type=click.Path(path_type=Path), metavar="FILE", help="A recorded session in place of a site."
)
@pass_settings
def serve(settings: Settings, host: str, port: int, allow_changes: bool, replay: Path | None) -> int:
    """Show the full-screen interface in a browser of this machine.

    The link has a key and works once. From another machine: an SSH tunnel.
    """
    address = _loopback(host, port)
    words = _words(settings, allow_changes, replay)
    _need_parts()
    from .. import driver

    job = driver.Job(settings)
    return driver.finish(job, _serve(job, address, port, words, changes=allow_changes))


def _loopback(host: str, port: int) -> str:
    """Raises UsageError for an address that others could reach, with what to do instead."""
    from core.errors import UsageError

    if host in LOOPBACK:
        return LOOPBACK[host]
    import getpass
    import shlex
    import socket

    shown = port or 8765
    there = shlex.quote(f"{getpass.getuser()}@{socket.gethostname()}")
    tunnel = f"ssh -N -L {shown}:127.0.0.1:{shown} {there}"
    hint = f"trainshed serve --port {shown} here; on the other machine: {tunnel}, and the link in its browser"
    raise UsageError(f"serve listens on this machine alone, not on {host[:80]}", hint=hint)


def _words(settings: Settings, changes: bool, replay: Path | None) -> list[str]:
    """The program that each browser gets. Raises SiteError, UsageError, ConfigError: here, not in the browser."""
    if replay is not None:
        from core import journal

        journal.read(replay)
        return [*_read_only(settings, changes), "replay", str(replay.absolute()), "--by-hand"]
    from core.site import files

    known = settings.site or files.current() or files.names()
    site = ["--site", str(settings.find_site().path)] if known else []
    return [*site, *_read_only(settings, changes)]


def _read_only(settings: Settings, changes: bool) -> list[str]:
    return [] if changes and not settings.read_only else ["--read-only"]


def _need_parts() -> None:
    from importlib.util import find_spec

    from core.errors import MissingPart

    if find_spec("textual_serve") is None:
        hint = "a web server is part of trainshed only where it is asked for: pip install textual-serve"
        raise MissingPart("serve needs the package textual-serve", hint=hint)


async def _serve(job: Job, host: str, port: int, words: list[str], *, changes: bool) -> int:
    """Until Ctrl-C."""
    import time

    from ..serve.door import Door
    from ..serve.server import Served, listener, serving

    on = listener(host, port)
    port = on.getsockname()[1]
    door = Door(port)
    told = [0, 0.0]  # how many were refused since it was said, and when that was

    def link() -> None:
        job.output.note("Open this in a browser of this machine within 10 minutes; it works once. Enter: another.")
        job.output.note(door.link(_written(host)))

    def came() -> None:
        job.output.note("A browser came in. For another one:")
        link()

    def refused(why: str) -> None:
        told[0] += 1
        if time.monotonic() - told[1] > CALM_S:
            job.output.note(f"Refused: {told[0]:.0f} request(s); the last had {why}", "warning")
            told[:] = [0, time.monotonic()]

    async with serving(Served(words, door, came, refused), on):
        what = "Changes are allowed." if changes else "Read-only: --allow-changes lets the browser change things."
        job.output.note(f"Serving on {_written(host)}:{port}, for this machine alone. {what} Ctrl-C ends it.")
        job.output.note(
            f"From another machine: ssh -N -L {port}:127.0.0.1:{port} USER@THIS_MACHINE, then the same link"
        )
        link()
        await _more_links(job, link)
    return 0


async def _more_links(job: Job, link: Callable[[], None]) -> None:
    """One for each Enter, until Ctrl-C."""
    import asyncio

    from ..plain.prompts import Ended, Prompts

    prompts = Prompts(job.output, job.advice)
    while job.settings.may_ask:
        try:
            await prompts.line("")
        except Ended:
            break
        link()
    await asyncio.Event().wait()


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host
