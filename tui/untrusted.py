"""Text from the VM, made harmless: a log must not be able to change the screen, the title or the clipboard."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.ansi import AnsiDecoder
from rich.text import Text

from core import events

from .text import stripped


def plain(text: str) -> str:
    """Without escape sequences and control characters, except newline and tab."""
    return stripped(text).replace("\r", "")


def line(text: str) -> Text:
    """One log line as a terminal would leave it: the part after the last carriage return, only colours kept."""
    text = text.rstrip("\r\n").rpartition("\r")[2].expandtabs(8)
    kept = stripped(text, colours=True)
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
    if isinstance(given, events.LogText | events.BuildLog | events.Progress):
        return given
    if isinstance(given, events.Metric) and given.key.isprintable():
        return given
    return events.from_json(_clean(events.to_json(given)))
