"""Text for a terminal or a pipe: control characters taken out, tables, pairs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence

# a whole escape sequence: CSI, OSC and its kin up to their end, or two characters
ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]",
    re.DOTALL,
)
UNFINISHED = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*\Z|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x9c]*\Z|\x1b[ -/]*\Z", re.DOTALL
)
COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
# C0 and C1 but tab, newline and carriage return; what turns the direction of text; an escape that sets no colour
CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]|\x1b(?!\[[0-9;:]*m)"
)
LONGEST_ESCAPE = 4096  # a longer one is not waited for: it is text with a stray escape


class Cleaner:
    """Takes escape sequences out of a stream of text, also where one is cut in two.

    With `colours` the sequences that set colours (SGR) stay.
    """

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours
        self._held = ""

    def clean(self, text: str) -> str:
        text = self._held + text
        open_end = UNFINISHED.search(text)
        if open_end is not None and len(text) - open_end.start() <= LONGEST_ESCAPE:
            text, self._held = text[: open_end.start()], text[open_end.start() :]
        else:
            self._held = ""
        return self._without(text)

    def _without(self, text: str) -> str:
        def judge(found: re.Match[str]) -> str:
            return found[0] if self._colours and COLOUR.fullmatch(found[0]) else ""

        text = CONTROL.sub("", ESCAPE.sub(judge, text))
        return text if self._colours else text.replace("\x1b", "")


def harmless(text: str) -> str:
    """One line that cannot steer the terminal: what comes from a VM may hold anything."""
    cleaned = Cleaner(colours=False).clean(text)
    return re.sub(r"[\n\r\t]", " ", cleaned)


def printable(text: str) -> str:
    """The same, each run of blanks as one."""
    return " ".join(harmless(text).split())


def moment(seconds: float) -> str:
    """Local time, without a zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else "-"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Aligned columns, two spaces apart; the last one is not padded."""
    lines = [[printable(cell) or "-" for cell in row] for row in [list(headings), *rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def pairs(values: Iterable[tuple[str, str]]) -> list[str]:
    """`name   value` lines, names padded to the longest; those with no value are left out."""
    shown = [(name, printable(value)) for name, value in values if value]
    width = max((len(name) for name, _ in shown), default=0)
    return [f"{name.ljust(width)}  {value}" for name, value in shown]
