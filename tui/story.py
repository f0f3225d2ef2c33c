"""A whole journey told in order: the demo's walk, or a recorded session."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from core import events
from core.errors import TrainshedError
from core.journal import CUT, Journal
from core.pace import Pace

from . import tables
from .narration import narrate
from .output import Output


def tell(event: events.Event, output: Output) -> None:
    """The event as text, or as a line of JSON."""
    if output.json:
        output.stream(event)
    elif isinstance(event, events.LogText):
        output.log(event.text)
    elif isinstance(event, events.CheckFinished):
        output.lines(tables.check(event, output.style, output.glyphs))
    elif isinstance(event, events.ChecksFinished):
        output.lines(tables.counted(event, output.style))
    elif isinstance(event, events.RunStateChanged) or type(event) not in tables.WRITERS:
        narrate(event, output)
    else:
        output.lines(tables.text(event))


async def tell_steps(happening: AsyncGenerator[tuple[str, events.Event], None], output: Output) -> int:
    """Tells each step under its title; how many there were."""
    seen: list[str] = []
    async with aclosing(happening) as happened:
        async for title, event in happened:
            if title not in seen:
                seen.append(title)
                heading(f"{len(seen)} {title}", output)
            tell(event, output)
    return len(seen)


def heading(title: str, output: Output) -> None:
    if not output.json:
        output.lines(["", output.style("strong", f"== {title}")])


async def tell_journal(journal: Journal, pace: Pace, output: Output) -> None:
    """Every operation of the session, at `pace`."""
    for at, take in enumerate(journal.takes):
        heading(take.op, output)
        before = 0.0
        for number, (after, entry) in enumerate(take.entries):
            await pace.before(entry, after - before, first=not at and not number)
            before = after
            if isinstance(entry, TrainshedError):
                _tell_error(entry, output)
            else:
                tell(entry, output)
        if not take.ended:
            output.note(f"  {CUT}", "warning")


def _tell_error(error: TrainshedError, output: Output) -> None:
    """An error that happened then is part of the story, and none of the replay."""
    if output.json:
        output.document({"error": {"code": error.code, "title": error.title, "hint": error.hint}})
    else:
        output.note(f"  {error.title}", "bad")
