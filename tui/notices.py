"""A word to the terminal itself, for somebody who looks elsewhere: the bell, and a desktop notification where the
terminal has them (OSC 9, 777 or 99).
"""

from __future__ import annotations

from collections.abc import Mapping

from .text import printable

LONGEST = 100  # characters of one text
BELL = "\x07"
FORMS = {
    "9": "\x1b]9;{title}: {text}\x1b\\",
    "777": "\x1b]777;notify;{title};{text}\x1b\\",
    "99": "\x1b]99;i=trainshed:d=0:p=title;{title}\x1b\\\x1b]99;i=trainshed:p=body;{text}\x1b\\",
}
PROGRAMS = {"iTerm.app": "9", "WezTerm": "9", "ghostty": "9"}  # TERM_PROGRAM
TERMS = {"xterm-kitty": "99", "xterm-ghostty": "9", "foot": "777", "rxvt-unicode": "777"}  # how TERM begins
BETWEEN = ("tmux", "screen")  # they pass the bell on, and swallow the rest


def form(environ: Mapping[str, str]) -> str:
    """A key of FORMS; "" for a terminal that is not known to have notifications: it gets the bell alone."""
    term = environ.get("TERM", "")
    if environ.get("TMUX") or environ.get("STY") or term.startswith(BETWEEN):
        return ""
    if environ.get("KITTY_WINDOW_ID"):
        return "99"
    known = [PROGRAMS.get(environ.get("TERM_PROGRAM", ""), "")]
    known += [value for name, value in TERMS.items() if term.startswith(name)]
    known += ["777"] if environ.get("VTE_VERSION") else []
    return next((value for value in known if value), "")


def sequence(title: str, text: str, environ: Mapping[str, str]) -> str:
    """What is written to the terminal. Both texts may be a VM's: nothing of them can end or begin a sequence."""
    known = FORMS.get(form(environ), "")
    return BELL + known.format(title=harmless(title), text=harmless(text))


def harmless(text: str) -> str:
    """One line of printable characters, without the one that separates."""
    return "".join(char for char in printable(text) if char.isprintable() and char != ";")[:LONGEST]
