"""What a terminal sends: whatever its bytes are and wherever they are cut, only keys are keys."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from textual import constants
from textual.events import AppFocus, Key, MouseScrollUp, Paste, Resize
from textual.message import Message

from tui import incoming
from tui.background import Ground
from tui.incoming import BEGIN, BULK, CUT_OFF_S, END, LARGEST, STALLED_S, BackgroundKnown, Parser, PasteLost

LIGHT = "\x1b]11;rgb:ffff/ffff/ffff"
ANSWERS = (  # what a terminal says when asked, or unasked
    LIGHT + "\x07",
    LIGHT + "\x1b\\",
    "\x1b]52;c;cTEyMwo=\x07",
    "\x1b]l2q\x1b\\",
    "\x1bP>|tmux 3.5q\x1b\\",
    "\x1bP1+r544e=78\x1b\\",
    "\x1b_Gi=31;OK\x1b\\",
    "\x1b^2q\x1b\\",
    "\x1b[?62;22;52c",
    "\x1b[>41;354;0c",
    "\x1b[0n",
    "\x1b[?997;1n",
    "\x1b[M !!",
    "\x1b[48;0;0;0;0t",
    "\x1b[48;99999999;99999999;1;1t",
    "\x1b[<0;-1;-1M",
    "\x1b[99999999999;1u",
    "\x1b[97;1:3:2u",
    "\x1b[" + "1;" * 40 + "x",
)
KEYS = {
    "a": ["a"],
    "\x1b": ["escape"],
    "\x1b\x1b": ["escape", "escape"],
    "\x1b[A": ["up"],
    "\x1bOP": ["f1"],
    "\x1b[[A": ["f1"],
    "\x1b[3$": ["shift+delete"],
    "\x1b[1;5C": ["ctrl+right"],
    "\x1b]": ["right_square_bracket"],
    "\x1b[": ["left_square_bracket"],
    "\x1b]q": ["right_square_bracket", "q"],
    "\x1b]4": ["right_square_bracket", "4"],
    "\x1b]\x03": ["right_square_bracket", "ctrl+c"],
    "\x1b]\x1b": ["right_square_bracket", "escape"],
    "\x1bP": ["alt+shift+p"],
    "\x1bx": ["alt+x"],
    "\x1bO": ["alt+shift+o"],
    "\x1b[1;\x03": ["ctrl+c"],
    "\x1b[98u": ["b"],
    "\x1b[0;;" + ":".join(["97"] * 20) + "u": ["a"] * 20,
}


class Terminal:
    def __init__(self, *, asked: bool = False) -> None:
        self.now = 0.0
        self.ground = Ground()
        self.ground.asked = asked
        self.parser = Parser(self.ground, lambda: self.now)
        self.messages: list[Message] = []

    def send(self, *pieces: str) -> Terminal:
        for piece in pieces:
            self.messages += self.parser.feed(piece)
        return self

    def wait(self, seconds: float = 10.0) -> Terminal:
        self.now += seconds
        self.messages += self.parser.tick()
        return self

    @property
    def keys(self) -> list[str]:
        return [message.key for message in self.messages if isinstance(message, Key)]

    @property
    def pastes(self) -> list[str]:
        return [message.text for message in self.messages if isinstance(message, Paste)]

    @property
    def lost(self) -> list[str]:
        return [message.why for message in self.messages if isinstance(message, PasteLost)]


def cut(text: str, at: Sequence[int]) -> list[str]:
    places = sorted({place % len(text) for place in at} - {0})
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


CUTS = st.lists(st.integers(0, 10_000), max_size=6)


@given(body=st.text("ab\x1b[]201~;q\x03\r\n\u20ac\x07\\PX", max_size=60), at=CUTS)
def test_a_paste_ends_at_its_end_alone_whatever_its_bytes(body: str, at: list[int]) -> None:
    body = body.replace(END, "")
    terminal = Terminal().send(*cut(f"x{BEGIN}{body}{END}y", at)).wait()
    assert terminal.keys == ["x", "y"] and not terminal.lost
    assert terminal.pastes == [body.translate(incoming.UNSEEN)]


@given(answer=st.sampled_from(ANSWERS), at=CUTS)
def test_no_answer_is_a_key_wherever_it_is_cut(answer: str, at: list[int]) -> None:
    terminal = Terminal().send(*cut(f"x{answer}y", at)).wait()
    assert terminal.keys == ["x", "y"]
    assert not [message for message in terminal.messages if isinstance(message, (Resize, BackgroundKnown))]


@given(typed=st.sampled_from(list(KEYS)), at=CUTS)
def test_what_looks_like_the_beginning_of_an_answer_and_is_typed_is_a_key_and_holds_nothing(
    typed: str, at: list[int]
) -> None:
    terminal = Terminal().send(*cut(typed, at)).wait(constants.ESCAPE_DELAY).wait(constants.ESCAPE_DELAY)
    assert terminal.keys == KEYS[typed]
    assert terminal.send("z").keys == [*KEYS[typed], "z"]


def test_the_background_is_known_once_and_only_where_it_was_asked_for() -> None:
    for asked in (True, False):
        terminal = Terminal(asked=asked).send("a", LIGHT + "\x07b" + LIGHT.replace("f", "0") + "\x1b\\", "c")
        assert terminal.keys == ["a", "b", "c"] and terminal.ground.light is asked
        assert sum(isinstance(message, BackgroundKnown) for message in terminal.messages) == int(asked)


def test_what_was_typed_before_the_start_is_not_lost() -> None:
    terminal = Terminal(asked=True)
    terminal.ground.typed = terminal.ground.take("q" + LIGHT + "\x07")
    assert terminal.wait().keys == ["q"] and terminal.ground.light


def test_an_answer_that_is_cut_off_holds_the_keys_for_a_moment_only() -> None:
    terminal = Terminal().send(LIGHT).wait(CUT_OFF_S / 2)
    assert terminal.send("a").keys == []
    assert terminal.wait(CUT_OFF_S).send("b").keys == ["b"]
    assert terminal.send(LIGHT, "\x03").keys == ["b", "ctrl+c"], "a control character is never a part of one"
    assert terminal.send("\x1b[1;5").wait(CUT_OFF_S).send("c").keys == ["b", "ctrl+c", "c"]


def test_a_paste_without_an_end_and_one_that_is_too_large_are_told_and_none_of_them_is_taken() -> None:
    bulk = "q" * BULK
    terminal = Terminal().send(BEGIN + "q").wait(STALLED_S - 1).send(bulk).wait(STALLED_S - 1)
    assert not terminal.lost, "more of it came"
    terminal.send("q").wait(STALLED_S)
    assert terminal.lost == ["A paste had no end: none of it is taken"]
    assert terminal.send("a").keys == ["a"]
    terminal.send(bulk, f"qq{END}b", bulk)
    assert terminal.keys == ["a", "b", *bulk], "what still comes of it is no keys"
    assert not terminal.pastes

    terminal = Terminal().send(BEGIN, *["q" * (LARGEST // 8)] * 9, f"q{END}a")
    assert terminal.keys == ["a"] and not terminal.pastes and "none are taken" in terminal.lost[0]
    terminal.send(f"{BEGIN}whole{END}")
    assert terminal.pastes == ["whole"]


def test_the_mouse_and_the_focus_are_what_they_were() -> None:
    terminal = Terminal().send("\x1b[<64;10;", "5M", "\x1b[I")
    scroll, focus = terminal.messages
    assert isinstance(scroll, MouseScrollUp) and (scroll.x, scroll.y) == (9, 4) and isinstance(focus, AppFocus)


@given(
    pieces=st.lists(
        st.one_of(
            st.text(max_size=20),
            st.text("\x1b[]PO_^X0123456789;:<>?$ MmuRtc~\x07\\I\x18", max_size=40),
            st.sampled_from([BEGIN, END, *ANSWERS]),
        ),
        max_size=12,
    )
)
def test_nothing_that_is_sent_ends_the_program_or_stops_the_keys(pieces: list[str]) -> None:
    terminal = Terminal().send(*pieces)
    terminal.wait().wait().wait().send(END)
    before = len(terminal.keys)
    assert terminal.send("z").keys[before:] == ["z"]
