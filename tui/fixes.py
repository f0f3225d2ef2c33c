"""A plan of a fix as plain lines: each check, the exact changes, the commands, and what takes them back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core import events

from .text import printable
from .words import plural

Style = Callable[[str, str], str]
WORDS = {"fix": "FIX", "right": "RIGHT", "refused": "REFUSED", "by hand": "BY HAND", "undo": "UNDO"}
GLYPHS = {"fix": "→", "right": "✓", "refused": "✗", "by hand": "!", "undo": "←"}
COLOURS = {"fix": "strong", "right": "good", "refused": "bad", "by hand": "warning", "undo": "strong"}
BY = {"systemd": "a timer of systemd", "cron": "a process of its own, and cron"}


def changes(plan: events.FixPlanned) -> bool:
    """There is something to do."""
    return bool(plan.files or plan.modes)


def lines(plan: events.FixPlanned, style: Style, glyphs: bool) -> Iterator[str]:
    """All of it, for stdout."""
    if plan.undoes:
        yield style("strong", f"Takes back the fix {printable(plan.undoes)} of {plan.vm}")
    for item in plan.items:
        yield from _item(item, "undo" if plan.undoes else item.status, style, glyphs)
    for file in plan.files:
        yield ""
        yield from (_diffed(line, style) for line in file.diff.splitlines())
    if plan.modes:
        yield ""
        yield from (f"{mode.path}  {mode.before:04o} → {mode.after:04o}" for mode in plan.modes)
    if plan.commands:
        yield ""
        yield from (style("quiet", f"$ {printable(command)}") for command in plan.commands)
    yield ""
    yield _summary(plan)


def _item(item: events.FixItem, status: str, style: Style, glyphs: bool) -> Iterator[str]:
    word = f"{GLYPHS[status]} {WORDS[status]}" if glyphs else WORDS[status]
    yield f"{style(COLOURS[status], word.ljust(10))} {item.id}  {printable(item.title)} [{item.severity}]"
    told = [f"{keyword} {value}" for keyword, value in item.settings.items()]
    told += [item.reason] if item.reason else []
    told += [f"by hand: {step}" for step in item.by_hand]
    yield from (f"           {printable(line)}" for line in told)


def _diffed(line: str, style: Style) -> str:
    colour = {"+": "good", "-": "bad", "@": "quiet"}.get(line[:1])
    return style(colour, printable(line)) if colour else printable(line)


def _summary(plan: events.FixPlanned) -> str:
    if not changes(plan):
        return "Nothing has to be changed."
    what = [plural(len(plan.files), "file")] if plan.files else []
    what += [f"permissions of {plural(len(plan.modes), 'file')}"] if plan.modes else []
    back = f"Unless a new login works, {plan.vm} takes it back by itself within {plan.revert_s:.0f} s"
    return f"{' and '.join(what)} to change. {back}, a reboot included ({BY.get(plan.revert_by, plan.revert_by)})."
