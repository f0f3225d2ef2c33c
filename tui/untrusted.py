"""Text from the VM, made harmless: a log must not be able to change the screen, the title or the clipboard."""

from __future__ import annotations

import re
from typing import Any

from rich.ansi import AnsiDecoder
from rich.text import Text

from core import events

# ECMA-48 and xterm: CSI, OSC/DCS/APC/PM/SOS up to their end, two-character escapes; then C0 and C1 controls.
_CSI = r"\x1b\[[0-?]*[ -/]*[@-~]"
_STRING = r"\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|[\x90\x98\x9d-\x9f].*?(?:\x07|\x9c|$)"
_ESCAPES = re.compile(rf"{_STRING}|{_CSI}|\x9b[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]?", re.DOTALL)
_SGR = re.compile(r"\x1b\[[\d;]*m")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # also bidi overrides


def plain(text: str) -> str:
    """Without escape sequences and control characters, except newline and tab."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def line(text: str) -> Text:
    """One log line as a terminal would leave it: the part after the last carriage return, only colours kept."""
    text = text.rstrip("\r\n").rpartition("\r")[2].expandtabs(8)
    if "\x1b" not in text:
        return Text(_CONTROLS.sub("", text), end="")
    kept = _ESCAPES.sub(lambda found: found.group() if _SGR.fullmatch(found.group()) else "", text)
    colours = AnsiDecoder().decode_line(_strip_controls(kept))
    colours.end = ""
    return colours


def _strip_controls(text: str) -> str:
    return "\x1b".join(_CONTROLS.sub("", part) for part in text.split("\x1b"))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def event(given: events.Event) -> events.Event:
    """The same event with harmless texts. Log texts stay as they are: `line` does it for what is shown."""
    if isinstance(given, events.LogText | events.BuildLog | events.Progress):
        return given
    if isinstance(given, events.Metric) and given.key.isprintable():
        return given
    return events.from_json(_clean(events.to_json(given)))
