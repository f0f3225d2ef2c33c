"""A plan of a fix as lines: each check, the exact changes, the commands, and what takes them back.

A line is a row of (text, style) pairs; `style` is a key of STYLES, or "". Both front ends dress it.
"""

from __future__ import annotations

from collections.abc import Iterator

from core import events

from .text import printable
from .words import plural

Line = tuple[tuple[str, str], ...]
WORDS = {"fix": "FIX", "right": "RIGHT", "refused": "REFUSED", "by hand": "BY HAND", "undo": "UNDO"}
GLYPHS = {"fix": "→", "right": "✓", "refused": "✗", "by hand": "!", "undo": "←"}
COLOURS = {"fix": "strong", "right": "good", "refused": "bad", "by hand": "warning", "undo": "strong"}
STYLES = {
    "strong": "bold", "good": "$text-success", "bad": "$text-error", "warning": "$text-warning", "quiet": "$muted",
}  # fmt: skip
BY = {"systemd": "a timer of systemd", "cron": "a process of its own, and cron"}
INDENT = " " * 11


def changes(plan: events.FixPlanned) -> bool:
    """There is something to do."""
    return bool(plan.files or plan.modes)


def lines(plan: events.FixPlanned, glyphs: bool) -> Iterator[Line]:
    """All of it."""
    if plan.undoes:
        yield ((f"Takes back the fix {printable(plan.undoes)} of {printable(plan.vm)}", "strong"),)
    for item in plan.items:
        yield from _item(item, "undo" if plan.undoes else item.status, glyphs)
    for file in plan.files:
        yield ()
        yield from (((printable(line), _colour(line)),) for line in file.diff.splitlines())
    if plan.modes:
        yield ()
        yield from (((f"{printable(mode.path)}  {mode.before:04o} → {mode.after:04o}", ""),) for mode in plan.modes)
    if plan.commands:
        yield ()
        yield from (((f"$ {printable(command)}", "quiet"),) for command in plan.commands)
    yield ()
    yield ((summary(plan), ""),)


def _item(item: events.FixItem, status: str, glyphs: bool) -> Iterator[Line]:
    word = f"{GLYPHS[status]} {WORDS[status]}" if glyphs else WORDS[status]
    yield (word.ljust(10), COLOURS[status]), (f" {item.id}  {printable(item.title)} [{item.severity}]", "")
    told = [f"{keyword} {value}" for keyword, value in item.settings.items()]
    told += [item.reason] if item.reason else []
    told += [f"by hand: {step}" for step in item.by_hand]
    yield from (((f"{INDENT}{printable(line)}", ""),) for line in told)


def _colour(line: str) -> str:
    return {"+": "good", "-": "bad", "@": "quiet"}.get(line[:1], "")


def summary(plan: events.FixPlanned) -> str:
    """What will change, and what takes it back."""
    if not changes(plan):
        return "Nothing has to be changed."
    what = [plural(len(plan.files), "file")] if plan.files else []
    what += [f"permissions of {plural(len(plan.modes), 'file')}"] if plan.modes else []
    back = f"Unless a new login works, {printable(plan.vm)} takes it back by itself within {plan.revert_s:.0f} s"
    return f"{' and '.join(what)} to change. {back}, a reboot included ({BY.get(plan.revert_by, plan.revert_by)})."
