"""Text for a terminal or a pipe: escape sequences and control characters taken out, tables, pairs.

The one place where text from a VM is made harmless. Every search takes time in
proportion to the text: no part of a sequence can be the beginning of another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# ECMA-48: CSI; OSC, DCS, APC, PM and SOS up to their end; two characters. A string that has no end on its line is
# only an opener: what follows it is text.
_CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*"
_STRING = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x00-\x1f\x80-\x9f]*"
_SHORT = r"\x1b[ -/]*"
ESCAPE = re.compile(rf"{_CSI}[@-~]|{_STRING}(?:\x07|\x1b\\|\x9c)|{_SHORT}[0-~]")
UNFINISHED = re.compile(rf"(?:{_CSI}|{_STRING}\x1b?|{_SHORT})\Z")
COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
# C0 and C1 but tab, newline and carriage return; what turns the direction of text; an escape that sets no colour
CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
    r"|\x1b(?!\[[0-9;:]*m)"
)
LONGEST_ESCAPE = 4096  # a longer one is not waited for: it is text with a stray escape


def stripped(text: str, *, colours: bool = False) -> str:
    """`text` without escape sequences and control characters, but tab, newline and carriage return.

    With `colours` the sequences that set colours (SGR) stay.
    """

    def judge(found: re.Match[str]) -> str:
        return found[0] if colours and COLOUR.fullmatch(found[0]) else ""

    text = CONTROL.sub("", ESCAPE.sub(judge, text))
    return text if colours else text.replace("\x1b", "")


class Cleaner:
    """`stripped` for a stream of text, also where a sequence is cut in two."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours
        self._held = ""

    def clean(self, text: str) -> str:
        text = self._held + text
        open_end = UNFINISHED.search(text, max(0, len(text) - LONGEST_ESCAPE))
        cut = len(text) if open_end is None else open_end.start()
        text, self._held = text[:cut], text[cut:]
        return stripped(text, colours=self._colours)


SPELLED = str.maketrans(
    {"…": "...", "·": ",", "–": "-", "—": "-", "−": "-", "×": "x", "‹": "", "›": "", "\u00a0": " ", "\u202f": " "}
    | {"→": "to", "←": "from", "≥": "at least", "≤": "at most", "≠": "is not", "✓": "yes", "✗": "no", "⚠": "warning:"}
    | {"’": "'", "“": '"', "”": '"'}
    | dict.fromkeys("●○◆◇△▲▼▽□■☆★↻├└│", "")  # a word is beside each
)


def spelled(text: str) -> str:
    """Our own signs as words that can be read aloud, in ASCII; letters of any language stay."""
    return text.translate(SPELLED)


def harmless(text: str) -> str:
    """One line that cannot steer the terminal: what comes from a VM may hold anything."""
    return re.sub(r"[\n\r\t]", " ", stripped(text))


def printable(text: str) -> str:
    """The same, each run of blanks as one."""
    return " ".join(harmless(text).split())


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
