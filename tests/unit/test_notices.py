"""What the terminal is told: only what it knows, and nothing that a name could add to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui import notices

SAID = "trainshed"


@pytest.mark.parametrize(
    ("environ", "form"),
    [
        ({"TERM": "xterm-256color"}, ""),
        ({"TERM": "linux"}, ""),
        ({}, ""),
        ({"TERM": "xterm-kitty"}, "99"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "99"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "9"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "9"),
        ({"TERM": "xterm-ghostty"}, "9"),
        ({"TERM": "foot-extra"}, "777"),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7400"}, "777"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x", "TERM_PROGRAM": "WezTerm"}, ""),
        ({"TERM": "screen", "KITTY_WINDOW_ID": "1"}, ""),
    ],
)
def test_each_terminal_gets_what_it_knows(environ: dict[str, str], form: str) -> None:
    assert notices.form(environ) == form
    assert notices.sequence(SAID, "x", environ).startswith(notices.BELL)
    assert (notices.sequence(SAID, "x", environ) == notices.BELL) == (form == "")


NASTY = st.text(st.characters() | st.sampled_from("\x1b\x07\x9c\x9d\\;]9\n\r\u202e"), max_size=200)


@given(NASTY, st.sampled_from([{"TERM": "xterm-kitty"}, {"TERM_PROGRAM": "WezTerm"}, {"VTE_VERSION": "1"}]))
def test_nothing_of_a_name_ends_or_begins_a_sequence(name: str, environ: dict[str, str]) -> None:
    text = notices.sequence(SAID, name, environ)
    bare = notices.sequence(SAID, "", environ)
    assert re.findall(r"[\x00-\x1f\x7f-\x9f]", text) == re.findall(r"[\x00-\x1f\x7f-\x9f]", bare)
    assert text.count(";") == bare.count(";") and len(text) <= len(bare) + notices.LONGEST
