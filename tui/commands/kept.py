"""`trainshed kept`: what trainshed keeps on this machine, who could read it, and its removal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from ..options import group, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from core.kept import Item

    from ..output import Output

DAY_S = 86400.0
KINDS = ("reports", "screenshots", "journals", "logs", "checks", "receipts", "history", "temporary", "other",
         "downloads", "workspace", "hosts", "demo", "cache")  # fmt: skip
SPOOLS = "A log that a screen shows is in a file without a name, gone with the program: there is nothing to remove."


@group("kept", invoke_without_command=True)
@click.pass_context
def kept(context: click.Context) -> None:
    """List what is kept on this machine, and mend what others could read."""
    if context.invoked_subcommand is not None:
        return
    from core import kept as keeping
    from core.kept import purging

    settings = context.ensure_object(Settings)
    items = keeping.found()
    wrong = [item for item in items if item.open_to or item.untouched]
    done = [] if settings.read_only else [purging.mended(item) for item in wrong]
    if any(changed for changed, _ in done):
        items = keeping.found()  # with the modes that they have now
    output = settings.output()
    if settings.json:
        mended = [str(path) for changed, _ in done for path in changed]
        output.document({"kept": [_document(item) for item in items], "mended": mended})
        return
    _tell(output, items)
    for item in items:
        if item.left:
            output.note(f"{item.path} {item.left}: it is left alone", "warning")
    for place, item in enumerate(wrong):
        changed, not_changed = done[place] if done else (item.open_to, item.untouched)
        if changed:
            which = "" if tuple(changed) == (item.path,) else f" ({len(changed)} files and folders)"
            what = (
                "was open to others, and is its owner's alone now" if done else "is open to others: it would be mended"
            )
            output.note(f"{item.path}{which} {what}", "warning")
        for path, why in not_changed:
            output.note(f"{path} is open to others, and {why}: it is left alone", "warning")


def _document(item: Item) -> dict[str, Any]:
    return {
        "kind": item.kind.name, "path": str(item.path), "bytes": item.bytes, "files": item.files,
        "mode": f"{item.mode:04o}", "modified": item.modified, "holds": item.kind.holds,
        "left": item.left,
    }  # fmt: skip


def _tell(output: Output, items: list[Item]) -> None:
    from ..text import table

    now = time.time()
    rows = [(item.kind.name, *_measures(item, now), str(item.path)) for item in items]
    if rows:
        output.lines(table(("KIND", "SIZE", "MODE", "AGE", "PATH"), rows))
    else:
        output.note("nothing is kept")
    for kind in dict.fromkeys(item.kind for item in items):
        output.note(f"{kind.name}: {kind.holds}")
    output.note(SPOOLS)


def _measures(item: Item, now: float) -> tuple[str, str, str]:
    """Size, mode and age, as far as they could be read."""
    from ..words import size

    if not item.modified:
        return "?", "?", "?"
    return size(item.bytes), f"{item.mode:04o}", _age(now - item.modified)


def _age(seconds: float) -> str:
    """`now`, `5 h`, `12 days`."""
    if seconds < 2 * DAY_S:
        return "now" if seconds < 3600 else f"{seconds / 3600:.0f} h"
    return f"{seconds / DAY_S:.0f} days"


@kept.command("purge")
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS), metavar="[KIND]...")
@click.option("--older-than", "days", metavar="DAYS", type=click.FloatRange(min=0), help="What has not changed since.")
@click.option("--all", "everything", is_flag=True, help="Every kind, the record of experiments included.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_settings
@click.pass_context
def purge(
    context: click.Context, settings: Settings, kinds: tuple[str, ...], days: float | None, everything: bool, yes: bool
) -> None:
    """Remove what is kept: reports, screenshots, journals, saved logs and leftovers, or the KINDs that are named.

    What was downloaded is in places that you chose, and stays.
    """
    from core import kept as keeping
    from core.errors import UsageError
    from core.kept import purging

    settings.refuse_if_read_only("kept purge")
    if "downloads" in kinds:
        raise UsageError(
            "downloads are in places that you chose, with files of yours among them", hint="rm removes them"
        )
    before = None if days is None else time.time() - days * DAY_S
    chosen = [item for item in keeping.found(kinds) if kinds or everything or not item.kind.asked]
    chosen = [item for item in chosen if item.kind.ours and (before is None or item.modified < before)]
    output = settings.output()
    if not yes and any(not item.left for item in chosen):
        _ask(settings, output, [item for item in chosen if not item.left])
    stayed = purging.purged(chosen)
    try:
        purging.forget_what_is_gone()
    except OSError as error:
        output.note(f"the list of paths cannot be written: {error.strerror or error}", "warning")
    kept_back = [item for item, _ in stayed]
    removed = [item for item in chosen if not any(item is one for one in kept_back)]
    if settings.json:
        left = [{**_document(item), "left": why} for item, why in stayed]
        output.document({"removed": [_document(item) for item in removed], "left": left})
    else:
        output.lines([f"removed {item.path}" for item in removed] or ([] if stayed else ["nothing to remove"]))
        for item, why in stayed:
            output.note(f"{item.path} {why}: it stays", "warning")
    if stayed:
        context.exit(1)


def _ask(settings: Settings, output: Output, chosen: list[Item]) -> None:
    """Names what will go. Raises UsageError where the answer is not yes."""
    from core.errors import UsageError

    from ..questions import line
    from ..words import plural, size

    for item in chosen:
        output.note(f"  {item.kind.name}: {item.path} ({size(item.bytes)})")
    if not settings.may_ask:
        title = f"kept purge: {plural(len(chosen), 'thing')} would be removed"
        raise UsageError(title, hint="--yes removes without a question")
    if line('Remove these for good? Type "yes": ') != "yes":
        raise UsageError("nothing was removed")
