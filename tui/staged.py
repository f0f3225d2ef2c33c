"""Staged data as text: what is there, what would go, what has gone, what stays, and the receipts of purges."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core import events

from .text import harmless, pairs, printable, table
from .words import clock, plural, size

ULID = re.compile(r"\b[0-7][0-9A-Z]{25}\b")
Item = events.StagedData | events.PartialData


def moment(seconds: float | None) -> str:
    """Local date and time to the minute."""
    return clock(seconds, "%Y-%m-%d %H:%M") if seconds else ""


def path(item: Item) -> str:
    """Every path that it was asked for by."""
    if isinstance(item, events.PartialData):
        return "(not known)" if item.path is None else item.path or "(all)"
    if item.broken:
        return "(no manifest)"
    others = len(set(item.paths) - {item.path})
    return (item.path or "(all)") + (f" +{others}" if others else "")


def holders(item: events.StagedData) -> str:
    """Who needs it, in a few words."""
    if not item.held:
        return ""
    first, more = item.held[0], len(item.held) - 1
    name = first.name[:13] if first.kind == "run" else first.name
    return f"{first.kind} {name}" + (f" +{more}" if more else "")


def listed(event: events.DataListed) -> list[str]:
    rows = [
        (
            item.digest[:12],
            path(item),
            f"{item.files:,}",
            size(item.bytes),
            "" if item.alone is None else size(item.alone),
            moment(item.staged),
            moment(item.used),
            holders(item),
        )
        for item in event.items
    ]
    head = ("DIGEST", "PATH", "FILES", "SIZE", "FREES", "STAGED", "USED", "NEEDED BY")
    lines = table(head, rows) if rows else ["nothing is staged"]
    lines += [
        f"{'going' if item.going else 'unfinished'}: {printable(path(item))}, {size(item.bytes)} so far, "
        f"since {moment(item.since)}"
        for item in event.partial
    ]
    lines += [f"{size(event.left)} of a removal that was cut short: the next one ends it"] if event.left else []
    lines += [f"{plural(event.foreign, 'thing')} in the folder that trainshed did not make"] if event.foreign else []
    return lines + ([f"{size(event.disk_free)} of the disk are free"] if event.disk_free is not None else [])


def chosen(event: events.DataChosen) -> list[str]:
    """What would go and what would stay."""
    verb = "purged" if event.purge else "evicted"
    lines = [f"would be {verb}: {one(item)}" for item in going(event)]
    lines += [stays(item) for item in event.stay]
    return [*(lines or [f"nothing would be {verb}"]), f"the disk gains {gain(event)}"]


def gain(event: events.DataChosen) -> str:
    """How much; nothing at all would seem to be a mistake."""
    shared = event.bytes == 0 and any(item.bytes for item in event.versions)
    return "nothing, as what stays has the same files" if shared else size(event.bytes)


def going(event: events.DataChosen | events.DataEvicted | events.DataPurged) -> list[Item]:
    return [*event.versions, *event.partial]


def one(item: Item) -> str:
    """One line: which, how much, since when."""
    if isinstance(item, events.PartialData):
        return f"unfinished staging of {printable(path(item))}, {size(item.bytes)}, since {moment(item.since)}"
    others = [each or "(all)" for each in item.paths if each != item.path]
    also = f" (also {printable(', '.join(others))})" if others else ""
    amount = f"{plural(item.files, 'file')}, {size(item.bytes)}"
    used = moment(item.staged if item.used is None else item.used)
    return f"{item.digest[:12]}  {printable(item.path or path(item))}{also}, {amount}, used {used}"


def stays(item: events.DataStays) -> str:
    name = f"{item.path or 'all'} ({item.name[:12]})" if item.what == "version" else item.name
    return harmless(f"{item.what} {name} stays: {item.why}" + (f"; {item.do}" if item.do else ""))


def brief(item: events.DataStays) -> str:
    """The same in few words: a beginning of a run's id will do."""
    return ULID.sub(lambda found: found[0][:13], stays(item).removeprefix(f"{item.what} "))


def removed(event: events.DataEvicted | events.DataPurged) -> list[str]:
    verb = "purged" if isinstance(event, events.DataPurged) else "evicted"
    lines = [f"{verb} {one(item)}" for item in going(event)]
    lines = [*(lines or ["nothing to remove"]), f"{size(event.bytes)} of the disk are free again"]
    return lines + (receipt(event) if isinstance(event, events.DataPurged) else [])


def receipt(event: events.DataPurged) -> list[str]:
    """The receipt's own words, and what else may have records."""
    said = event.receipt
    rows = [(name, printable(str(said.get(key, "")))) for name, key in RECEIPT]
    rows.append(("kept in", event.kept or "the VM alone: trainshed data receipts --vm"))
    return ["", *pairs(rows), *(f"not purged: {harmless(_rest(item))}" for item in rest(event))]


def rest(event: events.DataPurged) -> list[dict[str, object]]:
    """What else may have records, beside what was meant and stays."""
    named = {(item.what, item.name) for item in event.stay}
    return [item for item in event.receipt.get("remained", []) if (item.get("what"), item.get("name")) not in named]


RECEIPT = (
    ("receipt", "receipt"), ("sha256", "sha256"), ("by", "by"), ("account", "account"), ("VM began", "began"),
    ("VM ended", "ended"), ("client", "client_time"), ("how", "how"),
)  # fmt: skip


def _rest(item: dict[str, object]) -> str:
    return f"{item.get('what')} {str(item.get('name'))[:26]}: {item.get('why')}; {item.get('do')}"


def receipts(listed: Iterable[events.ReceiptInfo]) -> list[str]:
    rows = [
        (
            info.receipt,
            info.by,
            ", ".join(info.asked),
            str(info.versions),
            f"{info.files:,}",
            size(info.bytes),
            str(info.remained),
            "cut short" if not info.ended else "intact" if info.intact else "CHANGED",
        )
        for info in listed
    ]
    return table(("RECEIPT", "BY", "ASKED", "VERSIONS", "FILES", "SIZE", "REMAINED", "STATE"), rows)
