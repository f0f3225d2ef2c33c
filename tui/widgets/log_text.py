"""What is seen of a line of a log: harmless, as a terminal would leave it, cut into the rows of a width."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, get_character_cell_size
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from tui import untrusted, words

from .log_store import LogStore

SHOWN = 1 << 14  # characters of a line; the rest is counted


def text_of(store: LogStore, start: int) -> Text:
    """The line at `start`, in its colours. Of a very long one the beginning, and how much more there is."""
    raw, more = store.raw(start)
    text = untrusted.line(raw.decode("utf-8", "replace"))
    if len(text) > SHOWN:
        more += len(text.plain[SHOWN:].encode("utf-8", "replace"))
        text.right_crop(len(text) - SHOWN)
    if more:
        text.append(f" … {words.size(more)} more in this line", Style(dim=True, italic=True))
    return text


def visible(store: LogStore, start: int) -> str:
    """The same as plain characters."""
    return text_of(store, start).plain


def rows(strip: Strip, width: int) -> list[Strip]:
    """The strip folded at `width` cells; no wide character is cut in two."""
    if strip.cell_length <= width or width < 2:
        return [strip]
    return list(strip.divide([*_cuts(strip.text, width), strip.cell_length]))


def _cuts(text: str, width: int) -> Iterable[int]:
    """Cells from the left, for each fold."""
    if text.isascii():
        return range(width, len(text), width)
    cuts, row, at = [], 0, 0
    for character in text:
        size = get_character_cell_size(character)
        if row + size > width:
            cuts.append(at)
            row = 0
        row, at = row + size, at + size
    return cuts


def strip_of(text: Text, segments: Iterable[object]) -> Strip:
    return Strip(segments, cell_len(text.plain))  # type: ignore[arg-type]
