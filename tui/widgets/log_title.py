"""What stands above a log: how many lines, whether it follows, which hit, what time it was."""

from __future__ import annotations

from tui import untrusted, words

from .log_finder import Finder
from .log_view import LogView


def title(name: str, view: LogView, finder: Finder) -> str:
    """As markup, in which nothing of it is."""
    when = view.times.of(view.top[0]) if view.times and not view.follow else None
    parts = [name, _counted(view, finder), _how(view), finder.place(), words.clock(when) if when is not None else ""]
    return untrusted.plain(" · ".join(part for part in parts if part)).replace("[", "\\[")


def _counted(view: LogView, finder: Finder) -> str:
    store, filtered = view.store, finder.filtered
    more = "+" if store.counted < store.size else ""
    every = f"{len(store):,}{more} line{'' if len(store) == 1 and not more else 's'}"
    if filtered is None:
        return every
    return f"{len(filtered):,}{'+' if filtered.scan.waits else ''} of {every} have {filtered.matcher.wanted[:20]!r}"


def _how(view: LogView) -> str:
    if view.marked is not None:
        return "marking: y copies"
    if view.follow:
        return "following"
    return f"paused · {view.unread:,} new, G follows" if view.unread else "paused"
