"""Jump mode: a letter beside each place on the screen that one can go to; the letter goes there, or presses it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.app import ComposeResult
from textual.content import Content
from textual.errors import NoWidget
from textual.events import Click, Resize
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from tui.widgets.fields import Row
from tui.widgets.rail import RailItem

from .dialogues import Dialogue

LETTERS = "asdfghjklqwertyuiopzxcvbnm"
HINT = " Press a letter to go there. Escape leaves. "


class Mark(Static):
    """The letter of a place, drawn over the cells before it."""

    def __init__(self, letter: str, place: Widget, seen: Region) -> None:
        super().__init__(Content(f"[{letter}]" if place.app.no_color else f" {letter} "), classes="mark")
        self.letter = letter
        self.styles.offset = (max(0, seen.x - _before(place)), seen.y)


def _before(place: Widget) -> int:
    """By how many cells the mark stands before what can be seen of it."""
    if isinstance(place, RailItem):
        return place.region.x - place.content_region.x + 1  # over its own number
    return 2 if isinstance(place, Button) else 3 if isinstance(place, Input) else 1


class Jump(Dialogue[Widget]):
    """Answers the place that was chosen."""

    PLAIN = True
    FOOTER = False

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self.drawn_for = screen.size
        places = list(_places(screen))
        letters = _letters([name for name, _, _ in places])
        self.places = {letter: place for letter, place in zip(letters, places, strict=True) if letter}
        for letter in self.places:
            self._bindings.bind(letter, f"choose({letter!r})", show=False)

    def compose(self) -> ComposeResult:
        for letter, (_, place, seen) in self.places.items():
            yield Mark(letter, place, seen)
        yield Static(HINT, id="jump-hint")

    def action_choose(self, letter: str) -> None:
        self.dismiss(self.places[letter][1])

    def on_click(self, event: Click) -> None:
        event.stop()
        self.dismiss(self.places[event.widget.letter][1] if isinstance(event.widget, Mark) else None)

    def on_resize(self, event: Resize) -> None:
        """The places are elsewhere then."""
        if event.size != self.drawn_for:
            self.dismiss(None)

    def agreed(self) -> None:
        self.dismiss(None)


def go_to(place: Widget) -> None:
    """Presses a button, opens a step, else gives the focus; of what has gone meanwhile nothing happens."""
    if not place.is_attached or not place.display:
        return
    if isinstance(place, Button):
        place.press()
    elif isinstance(place, RailItem):
        place.post_message(RailItem.Chosen(place.step.id))
    else:
        place.screen.set_focus(place)


def _places(screen: Screen[object]) -> Iterator[tuple[str, Widget, Region]]:
    """(its name, the widget, what of it can be seen), in reading order."""
    found = []
    for widget in screen.query("*").results(Widget):
        if not (widget.focusable or isinstance(widget, RailItem)) or not widget.is_attached:
            continue
        try:
            geometry = screen.find_widget(widget)
        except NoWidget:
            continue
        seen = geometry.clip.intersection(geometry.region).intersection(screen.region)
        if seen:
            found.append((_name(widget), widget, seen))
    yield from sorted(found, key=lambda one: (one[2].y, one[2].x))


def _name(widget: Widget) -> str:
    """By which a person knows it."""
    if isinstance(widget, RailItem):
        return str(widget.number)
    if isinstance(widget, Button):
        return str(widget.label)
    row = next((row for row in widget.ancestors if isinstance(row, Row)), None)
    return row.label if row is not None else widget.id or ""


def _letters(names: Iterable[str]) -> Iterator[str]:
    """For each name a character of it where that is free, else another; a step has its number."""
    taken: set[str] = set()
    for name in names:
        wanted = [char for char in name.lower() if char.isascii() and char.isalpha()]
        letter = name if name.isdigit() else next((char for char in [*wanted, *LETTERS] if char not in taken), "")
        taken.add(letter)
        yield letter
