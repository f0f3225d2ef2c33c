"""Going to a place of a log that somebody types: a line, a share, a time."""

from __future__ import annotations

from . import log_times
from .log_view import LogView

PLACES = "a line such as 1234, 50%, a time such as 14:03, 14:03:20, 2026-11-26 14:03, or -10m"


def go_to(view: LogView, text: str, no_times: str) -> str:
    """Why not; empty where it went there. `no_times`: why the log may have none."""
    number, share = log_times.line_number(text), log_times.share(text)
    if number is not None:
        if view.store.counted < view.store.size and number >= len(view.store):
            return f"only {len(view.store):,} lines are counted so far"
        view.go_to(view.store.at_number(number))
        return ""
    if share is not None:
        view.go_to(view.store.at_share(share))
        return ""
    if not view.times:
        return f"this log has no times: {no_times}"
    when = view.times.meant(text)
    if when is None:
        return PLACES
    view.go_to(view.store.start_of(view.times.offset(when)))
    return ""
