"""What a terminal sends, taken apart: keys and the mouse, pastes, and answers, which are never keys.

Textual's parser alone takes an ESC within a paste for its end, and reads an answer, or a sequence that it does not
know, as the keys of its characters; a key can cancel a run. So it is given whole keys alone. It is private, and guarded
by tests/unit/test_incoming.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator

from textual import constants, events
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.keys import Keys
from textual.message import Message

from .background import Ground

BEGIN, END = "\x1b[200~", "\x1b[201~"  # of a bracketed paste
LARGEST = 8 << 20  # characters of a paste; a larger one is left out
STALLED_S = 5.0  # a paste of which nothing more comes for so long is given up
BULK = 64  # characters in one read: no keys that somebody types
CUT_OFF_S = 1.0  # an answer that is not whole after so long is left out
KEPT = 256  # characters of an answer; nothing that we read has more
LONGEST = 32  # of a sequence that Textual's parser reads as one
MOST = (1000, 1000, 100_000, 100_000)  # lines, columns and pixels of a terminal
UNIT = re.compile(
    r"(?P<text>[^\x1b]+)"
    r"|\x1b(?:"
    r"(?P<answer>[\]PX^_])"  # OSC, DCS, SOS, PM, APC
    r"|(?P<csi>\[(?:\[[^\x1b]|M[^\x1b]{3}|\d{1,2}\$(?![a-z])|(?![M\[])[ -?]*[@-~])|O[0-9;]*[@-~])"
    r"|(?P<broken>\[(?:M[^\x1b]{0,2}(?=\x1b)|\[(?=\x1b)|[ -?]*(?=[^ -~]))|O[0-9;]*(?=[^0-9;@-~])|(?=\x1b))"
    r"|(?P<alt>[^\[O\]PX^_\x1b])"
    r")",
    re.DOTALL,
)
TYPED = re.compile(r"\x1b(?:[\[\]PX^_O]|\[\[)?")  # what somebody can type: Escape, or Alt and a key
SIZE = re.compile(r"\x1b\[48;(\d+)[^;]*;(\d+)[^;]*;(\d+)[^;]*;(\d+)[^;]*t")
STOPS = re.compile(r"[\x00-\x1f\x7f]")
ANSWERS = {"]": re.compile(r"\d+;"), "P": re.compile(r"[\d;]*[!$>+|]"), "_": re.compile("G")}
UNSEEN = {number: None for number in (*range(32), *range(127, 160)) if chr(number) not in "\t\n\r"}


class BackgroundKnown(Message):
    def __init__(self, light: bool) -> None:
        super().__init__()
        self.light = light


class PasteLost(Message):
    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


class Paste:
    """A bracketed paste that has begun: all of it is text until its end."""

    def __init__(self, now: float) -> None:
        self.since = now  # the last bulk of it
        self._parts: list[str] = []
        self._size = 0
        self._last = ""  # what can be the beginning of its end

    def take(self, text: str, now: float) -> str | None:
        """What came after its end; None before that."""
        if len(text) >= BULK:
            self.since = now
        piece = self._last + text
        body, end, rest = piece.partition(END)
        known = 0 if end else next((n for n in range(len(END) - 1, 0, -1) if piece.endswith(END[:n])), 0)
        self._last = piece[len(piece) - known :]
        body = body[: len(body) - known]
        self._size += len(body)
        if self._size <= LARGEST:
            self._parts.append(body)
        else:
            self._parts.clear()
        return rest if end else None

    def message(self) -> Message:
        if self._size > LARGEST:
            return PasteLost(f"{self._size:,} characters were pasted: none are taken, {LARGEST:,} are the most")
        return events.Paste("".join(self._parts).translate(UNSEEN))


class Answer:
    """A string that a terminal sends has begun, or Alt and a key that looks like its beginning."""

    def __init__(self, kind: str, now: float) -> None:
        self.kind, self.since = kind, now
        self.body = ""

    @property
    def likely(self) -> bool:
        """It cannot be what somebody typed."""
        known = ANSWERS.get(self.kind)
        return known is not None and known.match(self.body) is not None

    def take(self, text: str) -> tuple[str | None, bool]:
        """(what comes after it, or None while it goes on; whether it has come to its own end)"""
        stop = STOPS.search(text)
        self.body += text[: min(stop.start() if stop else len(text), KEPT - len(self.body))]
        if stop is None:
            return None, False
        if stop[0] == "\x07":
            return text[stop.end() :], True
        if text.startswith("\x1b\\", stop.start()):
            return text[stop.start() + 2 :], True
        return text[stop.start() :], False


class Parser(XTermParser):
    """Fed with what a terminal sends, in pieces of any size."""

    def __init__(self, ground: Ground, clock: Callable[[], float] = get_time) -> None:
        super().__init__()
        self._ground, self._clock = ground, clock
        self._held, self._since = "", 0.0  # the beginning of a unit, and when it began
        self._open: Paste | Answer | None = None
        self._given_up = False  # the rest of a paste may still come

    def tick(self) -> Iterable[Message]:
        """Several times a second: what does not go on is given up."""
        if self._ground.typed:
            typed, self._ground.typed = self._ground.typed, ""
            yield from self.feed(typed)
        now = self._clock()
        match self._open:
            case Paste(since=since) if now - since >= STALLED_S:
                self._open, self._held, self._given_up = None, "", True
                yield PasteLost("A paste had no end: none of it is taken")
            case Answer() as answer if now - answer.since >= (CUT_OFF_S if answer.likely else constants.ESCAPE_DELAY):
                self._held, held = "", self._held
                yield from self._no_answer(answer)
                yield from self.feed(held) if held else ()
            case None if self._held:
                keys = TYPED.fullmatch(self._held) is not None
                if now - self._since >= (constants.ESCAPE_DELAY if keys else CUT_OFF_S):
                    self._held, held = "", self._held
                    yield from self._keys(held) if keys else ()
            case _:
                pass

    def feed(self, data: str) -> Iterable[Message]:
        """Nothing is no end here: it can be half a character."""
        if self._given_up:
            data = self._after_a_paste(data)
        if not self._held:
            self._since = self._clock()
        text: str | None = self._held + data
        self._held = ""
        while text:
            text = yield from self._next(text)

    def _next(self, text: str) -> Generator[Message, None, str | None]:
        """Returns what is left of `text`; None where the rest has to come first."""
        opened = self._open
        if isinstance(opened, Paste):
            rest = opened.take(text, self._clock())
            if rest is not None:
                self._open = None
                yield opened.message()
            return rest
        if isinstance(opened, Answer):
            cut = "\x1b" if text.endswith("\x1b") else ""
            rest, whole = opened.take(text.removesuffix(cut))
            if rest is None:
                self._held = cut
                return None
            yield from self._answered(opened) if whole else self._no_answer(opened)
            return rest + cut
        unit = UNIT.match(text)
        if unit is None:
            self._held = text
            return None
        yield from self._unit(unit)
        return text[unit.end() :]

    def _unit(self, unit: re.Match[str]) -> Iterator[Message]:
        whole = unit[0]
        if unit["answer"]:
            self._open = Answer(unit["answer"], self._clock())
        elif whole == BEGIN:
            self._open, self._given_up = Paste(self._clock()), False
        elif unit["csi"]:
            yield from self._sequence(whole)
        elif unit["broken"] is None or TYPED.fullmatch(whole):
            yield from self._keys(whole)

    def _sequence(self, sequence: str) -> Iterator[Message]:
        """One that Textual does not know, or could not bear, is left out."""
        size = SIZE.fullmatch(sequence)
        if size and not all(0 < int(number[:9]) <= most for number, most in zip(size.groups(), MOST, strict=True)):
            return
        if len(sequence) > LONGEST:  # text of an input method, in kitty's protocol
            yield from (key for key in self._sequence_to_key_events(sequence) if key.key != Keys.Ignore)
            return
        yield from super().feed(sequence)
        if self._timeout_time is not None:  # it waits for more
            self._gen.close()
            self._gen = self.parse(self._tokens.append)
            self._awaiting, self._timeout_time = next(self._gen), None

    def _keys(self, text: str) -> Iterator[Message]:
        """Nothing more belongs to it."""
        yield from super().feed(text)
        if self._timeout_time is not None:
            self._timeout_time = 0.0
            yield from super().tick()

    def _answered(self, answer: Answer) -> Iterator[Message]:
        self._open = None
        if answer.kind == "]" and self._ground.waits and self._ground.learn(answer.body):
            yield BackgroundKnown(self._ground.light)

    def _no_answer(self, answer: Answer) -> Iterator[Message]:
        """It was cut off, or it is none."""
        self._open = None
        if not answer.likely:
            yield from self._keys(f"\x1b{answer.kind}")
            yield from super().feed(answer.body) if answer.body else ()

    def _after_a_paste(self, data: str) -> str:
        """`data` without the rest of a paste that was given up."""
        end, begin = data.find(END), data.find(BEGIN)
        if end >= 0 and not 0 <= begin < end:
            self._given_up = False
            return data[end + len(END) :]
        return "" if len(data) >= BULK and begin < 0 else data

    def _parse_extended_key(self, sequence: str) -> list[events.Key] | None:  # type: ignore[override]
        try:
            found: list[events.Key] | None = super()._parse_extended_key(sequence)
        except (ValueError, OverflowError):  # no character has that number
            return [events.Key(Keys.Ignore, sequence)]
        return found
