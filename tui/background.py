"""Is the terminal light or dark? Asked by OSC 11 at the very start; the answer comes while the program is loaded.

Nothing waits for it. One that comes late, over a slow link, is taken out of what was typed and changes the theme then.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

QUERY = b"\x1b]11;?\x07"
COLOUR = r"11;rgba?:([0-9a-fA-F]{1,8})/([0-9a-fA-F]{1,8})/([0-9a-fA-F]{1,8})[^\x07\x1b]*"
ANSWER = re.compile(rf"\x1b\]{COLOUR}(?:\x07|\x1b\\)")
SILENT = ("", "dumb", "linux")  # terminals that have no answer


class Ground:
    """What is known of the background, and what was typed while it was asked for."""

    def __init__(self) -> None:
        self.asked = False
        self.answered: bool | None = None
        self.typed = ""

    @property
    def waits(self) -> bool:
        """The terminal was asked and has not answered."""
        return self.asked and self.answered is None

    @property
    def light(self) -> bool:
        """By the terminal's answer, else by COLORFGBG, else dark."""
        if self.answered is not None:
            return self.answered
        return by_colorfgbg(os.environ.get("COLORFGBG", ""))

    def learn(self, answer: str) -> bool:
        """Whether `answer`, without what it begins and ends with, is that of the background."""
        found = re.fullmatch(COLOUR, answer)
        if found is not None:
            self.answered = is_light(*found.groups())
        return found is not None

    def take(self, text: str) -> str:
        """`text` without the answer, where it is in it."""
        found = ANSWER.search(text)
        if found is None:
            return text
        self.answered = is_light(*found.groups())
        return text[: found.start()] + text[found.end() :]

    def look(self) -> None:
        """Takes the answer, if it is there already."""
        import select

        if os.isatty(0) and select.select([0], [], [], 0)[0]:
            self.typed = self.take(os.read(0, 4096).decode("utf-8", "replace"))


def is_light(*parts: str) -> bool:
    """Of the parts as `rgb:` has them, in hexadecimal digits of any number: the eye's weights (ITU-R BT.709)."""
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in parts)
    return bool(0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5)


def by_colorfgbg(text: str) -> bool:
    """`15;0` is foreground and background as numbers of the 16 colours: 7 and 9 to 15 are light."""
    last = text.rpartition(";")[2]
    return last.isdigit() and (int(last) == 7 or 9 <= int(last) <= 15)


@contextmanager
def asked(wanted: bool = True) -> Iterator[Ground]:
    """Asks the terminal on stdin and stdout; within, it neither echoes nor waits for a whole line."""
    ground = Ground()
    if not wanted or not _answers():
        yield ground
        return
    import termios

    before = termios.tcgetattr(0)
    try:
        quiet: list[Any] = termios.tcgetattr(0)
        quiet[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(0, termios.TCSANOW, quiet)
        ground.asked = True
        os.write(1, QUERY)
        yield ground
    finally:
        termios.tcsetattr(0, termios.TCSANOW, before)


def _answers() -> bool:
    seen = os.environ.get("TERM", "") not in SILENT and not os.environ.get("NO_COLOR")
    return seen and sys.platform != "win32" and os.isatty(0) and os.isatty(1)
