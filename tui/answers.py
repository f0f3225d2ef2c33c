"""A terminal's answer that comes while the program is on the screen: a message, not keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from textual._xterm_parser import XTermParser
from textual.message import Message

from .background import BEGUN, Ground

PARSER = "XTermParser"  # what the driver's module calls it


class BackgroundKnown(Message):
    def __init__(self, light: bool) -> None:
        super().__init__()
        self.light = light


@contextmanager
def listening(ground: Ground) -> Iterator[None]:
    """Textual would take a late answer for keys, so its parser is replaced: private, and guarded by
    tests/tui/test_themes.py.
    """

    from textual.drivers import linux_driver

    class Parser(XTermParser):
        held = ""  # an answer that is not whole yet

        def tick(self) -> Iterable[Message]:
            if ground.typed:
                typed, ground.typed = ground.typed, ""
                yield from self.feed(typed)
            yield from super().tick()

        def feed(self, data: str) -> Iterable[Message]:
            text, self.held = self.held + data, ""
            if data and not ground.known:
                rest = ground.take(text)
                begun = BEGUN.search(text) if rest == text else None
                if rest != text:
                    yield BackgroundKnown(ground.light)
                elif begun:
                    rest, self.held = text[: begun.start()], begun[0]
                text = rest
            if text or not data:
                yield from super().feed(text if data else "")

    setattr(linux_driver, PARSER, Parser)
    try:
        yield
    finally:
        setattr(linux_driver, PARSER, XTermParser)
