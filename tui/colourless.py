"""NO_COLOR (https://no-color.org): no colour at all is sent, only bold, underline and reverse.

Textual's own filter for it turns colours into greys, which are colours to a terminal.
"""

from __future__ import annotations

import os
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

WITHOUT = ("dumb", "vt100", "vt102", "vt220", "xterm-mono")  # terminals that have no colours


def wanted() -> bool:
    """NO_COLOR set and not empty, as the convention says, or a terminal that has none."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") in WITHOUT


@lru_cache(1024)
def _plain(style: Style) -> Style:
    """Without its colours; what the mouse reads from it stays."""
    plain = style.without_color
    return plain + Style.from_meta(style.meta) if style.meta else plain


class Colourless(LineFilter):
    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [Segment(text, None if style is None else _plain(style), None) for text, style, _ in segments]
