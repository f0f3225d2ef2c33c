"""Text from the VM, made harmless: a log must not be able to change the screen, the title or the clipboard."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from rich.ansi import AnsiDecoder
from rich.text import Text

from core import events

from .text import stripped

STATES = 8  # of a progress bar that are looked at: what is older has been written over
ERASE = re.compile(r"\x1b\[0?K")  # to the end of the line


def plain(text: str) -> str:
    """Without escape sequences and control characters, except newline and tab."""
    return stripped(text).replace("\r", "")


def line(text: str) -> Text:
    """One log line as a terminal would leave it, only colours kept.

    What follows a carriage return is written over what was there, which a progress bar may erase first.
    """
    text = text.rstrip("\r\n")
    if "\r" not in text:
        return _coloured(text)
    shown = Text(end="")
    for part in text.split("\r")[-STATES:]:
        before, erased, after = part.rpartition("\x1b[2K")
        over = _coloured(after if erased else before + after)
        if not erased and not ERASE.search(part) and len(over) < len(shown):
            over.append_text(shown[len(over) :])
        shown = over
    return shown


def visible(text: str) -> str:
    """The characters of `line`, for what only looks for them."""
    if "\r" in text:
        return line(text).plain
    return stripped(text.expandtabs(8) if "\t" in text else text)


def _coloured(text: str) -> Text:
    kept = stripped(text.expandtabs(8), colours=True)
    if "\x1b" not in kept:
        return Text(kept, end="")
    colours = AnsiDecoder().decode_line(kept)
    colours.end = ""
    return colours


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def run(given: events.RunInfo) -> events.RunInfo:
    """The same run with harmless texts."""
    texts = {name: _clean(getattr(given, name)) for name in given.__struct_fields__}
    return msgspec.structs.replace(given, **texts)


def event(given: events.Event) -> events.Event:
    """The same event with harmless texts. Log texts stay as they are: `line` does it for what is shown."""
    if isinstance(given, events.LogText | events.LogTimes | events.BuildLog | events.Progress):
        return given
    if isinstance(given, events.Metric) and given.key.isprintable():
        return given
    return events.from_json(_clean(events.to_json(given)))
