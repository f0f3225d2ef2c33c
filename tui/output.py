"""stdout is data, stderr is narration: what goes where, and in what dress."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import msgspec

from core import events

from .text import Cleaner, harmless, spelled, stripped

SCHEMA = 1
STYLES = {"good": "32", "bad": "31", "warning": "33", "quiet": "2", "strong": "1"}
ERASE_LINE = "\r\x1b[K"


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class Output:
    """Both streams of one command. Nothing that came from a VM reaches a terminal with its escapes."""

    def __init__(self, *, json_wanted: bool = False, plain: bool = False, together: bool = False) -> None:
        """`together`: what is said goes to stdout too, as one story; not beside JSON."""
        self.json = json_wanted
        self.glyphs = not plain
        dressed = not plain and not os.environ.get("NO_COLOR")
        self._out = sys.stdout
        self._err = sys.stdout if together and not json_wanted else sys.stderr
        self._out_colour = dressed and _is_terminal(self._out)
        self._err_colour = dressed and _is_terminal(self._err)
        self._draws = not plain and _is_terminal(self._err)
        self._drawn = False  # a progress line is on the screen
        self._mid_line = False  # stdout ended without a newline
        self._cleaner = Cleaner(colours=self._out_colour and not json_wanted)

    def style(self, name: str, text: str) -> str:
        """`text` in colour where stdout is a terminal that wants it."""
        return f"\x1b[{STYLES[name]}m{text}\x1b[0m" if self._out_colour else text

    def lines(self, lines: Iterable[str]) -> None:
        """Data, a line each."""
        for line in lines:
            safe = stripped(line, colours=self._out_colour).replace("\r", "")  # what was forgotten: colours are our own
            self._data((safe if self.glyphs else spelled(safe)) + "\n")
        self._out.flush()

    def prompt(self, text: str) -> None:
        """A question that is answered on the same line."""
        self._erase()
        self._write(self._out, harmless(text if self.glyphs else spelled(text)))
        self._out.flush()

    def log(self, text: str) -> None:
        """A job's output as it came; to a terminal its colours stay."""
        self._data(self._cleaner.clean(text))
        self._out.flush()

    def _data(self, text: str) -> None:
        self._erase()
        self._write(self._out, text)
        self._mid_line = bool(text) and not text.endswith("\n")

    def document(self, value: Mapping[str, Any]) -> None:
        """One JSON object on one line, with the schema's number first."""
        self._data(json.dumps({"schema": SCHEMA, **value}, allow_nan=False) + "\n")
        self._out.flush()

    def stream(self, event: events.Event) -> None:
        """One event as a line of JSON; a job's text without escapes, as in every pipe."""
        if isinstance(event, events.LogText | events.BuildLog):
            event = msgspec.structs.replace(event, text=self._cleaner.clean(event.text))
        self.document(events.to_json(event))

    def note(self, text: str, style: str = "") -> None:
        """Narration: one line on stderr."""
        self._erase()
        if self._mid_line and self._out.isatty() and self._err.isatty():
            text, self._mid_line = "\n" + harmless(text), False
        else:
            text = harmless(text)
        text = text if self.glyphs else spelled(text)
        if style and self._err_colour:
            text = f"\x1b[{STYLES[style]}m{text}\x1b[0m"
        self._write(self._err, text + "\n")
        self._err.flush()

    def verbatim(self, text: str) -> None:
        """Several lines of narration, such as a randomart."""
        for line in text.splitlines():
            self._write(self._err, stripped(line) + "\n")
        self._err.flush()

    def detail(self, text: str) -> None:
        """Much of it comes and little matters: a line that the next one replaces on a terminal, else as any other."""
        if self._draws:
            self.progress(text)
        else:
            self.note(text)

    def progress(self, text: str) -> None:
        """A line that the next one replaces: only where stderr is a terminal."""
        if self._draws and not self._mid_line:
            self._write(self._err, ERASE_LINE + harmless(text)[: _columns() - 1])
            self._err.flush()
            self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            self._drawn = False
            self._write(self._err, ERASE_LINE)
            self._err.flush()

    @staticmethod
    def _write(stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
        except UnicodeEncodeError:  # a terminal that is not UTF-8 shows ? for what it cannot
            stream.write(text.encode(stream.encoding, "replace").decode(stream.encoding))

    def close(self) -> None:
        self._erase()


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size().columns
