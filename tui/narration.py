"""What is said on stderr while an operation works."""

from __future__ import annotations

from core import events

from .output import Output
from .words import amount, clock, plural


def narrate(event: events.Event, output: Output) -> None:
    """Says what the event means for someone who waits; data events are not its business."""
    match event:
        case events.Phase():
            output.note(event.title, "strong")
        case events.Progress():
            output.progress(f"  {event.title}  {_amount(event)}")
        case events.Notice():
            output.note(f"  {'warning: ' if event.level == 'warning' else ''}{event.text}", _style(event))
        case events.BuildLog():
            for line in event.text.splitlines():
                output.detail(f"  {line}")
        case events.LinkChanged(state="lost"):
            soon = (event.retry_in_s or 0) < 1
            retry = ", trying again" if soon else f", next try in {event.retry_in_s:.0f} s"
            output.note(f"  connection lost, last seen {clock(event.last_seen)}{retry}; the run goes on", "warning")
        case events.LinkChanged():
            output.note("  connection restored")
        case events.RunCreated():
            output.note(f"  run {event.run}{' was there already' if event.existed else ''} on {event.vm}")
        case events.Queued():
            waits = f"  waits for its turn: {plural(event.ahead, 'run')} before it"
            output.note(waits if event.ahead else "  its turn is next")
        case events.RunStateChanged():
            reason = f" ({event.reason})" if event.reason else ""
            output.note(f"  {clock(event.time)} {event.state}{reason}")
        case _:
            pass


def _style(notice: events.Notice) -> str:
    return "warning" if notice.level == "warning" else ""


def _amount(progress: events.Progress) -> str:
    share = f"  {100 * progress.done // progress.total} %" if progress.total else ""
    return amount(progress) + share
