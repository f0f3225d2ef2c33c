"""The log view in a real terminal, beside toolong and a bare Textual app.

toolong (`tl`) is looked for on PATH, or in the file that TOOLONG names; a row says so where it is not here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .host import PROGRAM
from .row import ROUNDS, Part, Row, p95
from .terminal import PATIENCE, terminal

LINES, NEEDLE_AT = 1_000_000, 900_000
ARRIVING = 20_000  # lines a second
SEEN = rb"more words"  # of every line: a program may colour the rest
KEYS, FEWER, HITS = 40, 20, 3
TOOLONG = "toolong"
LOST_S = 5.0  # no key takes so long: it came too soon after another
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    at = 0
    def compose(self):
        yield Static("more words")
    def on_key(self, event):
        self.at += 50
        text = "\\n".join(f"INFO train step={self.at + row} loss=0.1 more words" for row in range(50))
        self.query_one(Static).update("PRESSED" if event.key == "slash" else text)
Bare().run()
"""


@dataclass(frozen=True)
class Viewer:
    """How a program is opened on a file, and what it draws when `/` opens its search."""

    name: str
    command: Callable[[Path], list[str]]
    prompt: bytes
    home: bytes = b"\x1b[H"
    enter: bytes = b""  # to begin the search, where typing does not


# the cursor stands on the first letter, which is drawn apart
OURS = Viewer("ours", lambda file: [*PROGRAM, "view", str(file)], b"arch the log")
BARE_APP = Viewer("a bare Textual app", lambda _file: [sys.executable, "-c", BARE], b"PRESSED")


def toolong() -> Viewer | None:
    found = os.environ.get("TOOLONG") or shutil.which("tl")
    return Viewer(TOOLONG, lambda file: [found, str(file)], b"Case sensitive", enter=b"\x1b[B") if found else None


def write_log(path: Path, lines: int) -> Path:
    with path.open("w") as file:
        for number in range(lines):
            what = "a-needle is-found-here" if number == NEEDLE_AT else f"loss=0.{number % 9973:04}"
            file.write(f"2026-11-26 14:03:22 INFO train step={number:07} {what} lr=0.001 and some more words\n")
    return path


def first_screen(viewer: Viewer, file: Path) -> list[float]:
    with terminal(viewer.command(file)) as opened:
        opened.until(SEEN)
        return [(time.perf_counter() - opened.began) * 1000]


@dataclass(frozen=True)
class Key:
    """`shows`: what the key draws; `back`: what takes it back; `first`: pressed once before."""

    name: str
    press: bytes
    shows: bytes
    back: bytes
    first: bytes = b""


def _slash(viewer: Viewer) -> Key:
    return Key("`/`", b"/", viewer.prompt, b"\x1b[A" if viewer is BARE_APP else b"\x1b")


OTHERS = (
    Key("space", b" ", rb"paused", b" "),
    Key("`k`", b"k", rb"paused", b"G"),
    Key("`G`", b"G", rb"following", b" ", first=b" "),
    Key("`v`", b"v", rb"marking", b"\x1b"),
    Key("`?`", b"?", rb"Keys of", b"\x1b"),
)


def pressed(viewer: Viewer, file: Path, key: Key, times: int = KEYS) -> list[float]:
    """Milliseconds from a key to what it draws, while lines arrive in the file. SystemExit where most keys are lost."""
    took: list[float] = []
    with _arriving(file), terminal(viewer.command(file)) as opened:
        opened.until(SEEN)
        opened.drain(1)
        opened.press(key.first)
        opened.drain(0.5)
        for _ in range(2 * times):
            began = time.perf_counter()
            opened.press(key.press)
            if opened.shows(key.shows, LOST_S):
                took.append((time.perf_counter() - began) * 1000)
            if len(took) == times:
                break
            opened.drain(0.3)
            opened.press(key.back)
            opened.drain(0.5)  # what follows an Escape too soon belongs to it: then the next key is not seen
    if len(took) < times / 2:
        raise SystemExit(f"bench: {viewer.name}: {key.name} was seen {len(took)} times of {2 * times}")
    return took


@contextmanager
def _arriving(file: Path) -> Iterator[None]:
    script = (
        f"import time\nout = open({str(file)!r}, 'a')\n"
        "batch = ''.join(f'INFO train step={n:07} loss=0.1 more words\\n' for n in range(200))\n"
        f"while True:\n    out.write(batch); out.flush(); time.sleep(200 / {ARRIVING})\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", script])
    try:
        yield
    finally:
        writer.kill()
        writer.wait()


def memory(viewer: Viewer, file: Path, empty: Path) -> list[float]:
    """MB that a log costs above an empty one, after its end and its beginning were looked at."""
    found = []
    for path in (empty, file):
        with terminal(viewer.command(path)) as opened:
            opened.drain(3)
            opened.press(viewer.home)
            opened.drain(1)
            found.append(opened.memory())
    return [found[1] - found[0]]


def frames(viewer: Viewer, file: Path) -> list[float]:
    """Milliseconds from a page key to other lines on the screen."""
    took = []
    with terminal(viewer.command(file)) as opened:
        opened.until(SEEN)
        opened.drain(2)
        for _ in range(KEYS):
            began = time.perf_counter()
            opened.press(b"\x1b[5~")  # page up
            opened.until(SEEN)
            took.append((time.perf_counter() - began) * 1000)
            opened.quiet()
    return took


def first_hit(viewer: Viewer, file: Path) -> list[float]:
    """Milliseconds from the last key of a search to its only hit, far below the place where it begins."""
    with terminal(viewer.command(file)) as opened:
        opened.until(SEEN)
        opened.drain(3)
        opened.press(viewer.home)
        opened.drain(1)
        opened.press(b"/")
        opened.until(viewer.prompt)
        if viewer.enter:
            opened.press(b"a-needle")
            opened.drain(1)
        began = time.perf_counter()
        opened.press(viewer.enter or b"a-needle")
        return [(time.perf_counter() - began) * 1000] if opened.shows(rb"is-found-here", PATIENCE) else []


def _grep(file: Path) -> list[float]:
    began = time.perf_counter()
    subprocess.run(["grep", "-nm1", "a-needle", str(file)], check=True, stdout=subprocess.DEVNULL)
    return [(time.perf_counter() - began) * 1000]


def parts(folder: Path) -> Iterator[Part]:
    folder.mkdir(exist_ok=True)
    file, empty = write_log(folder / "million.log", LINES), folder / "empty.log"
    empty.touch()
    yield "log: first screen", lambda: _screens(file)
    yield "log: keys", lambda: _keys(folder / "growing.log")
    yield "log: memory", lambda: _memory(file, empty)
    yield "log: frames", lambda: _frames(file)
    yield "log: first hit", lambda: _hits(file)


def _screens(file: Path) -> Iterator[Row]:
    what, other = "log of 1M lines: first screen", toolong()
    turns = [(first_screen(OURS, file), first_screen(other, file) if other else [], first_screen(BARE_APP, file))
             for _ in range(ROUNDS)]  # fmt: skip
    ours, theirs, bare = ([figure for turn in turns for figure in turn[at]] for at in range(3))
    yield Row(what, ours, TOOLONG, theirs, goal="< 1")
    yield Row(what, ours, BARE_APP.name, bare)


def _keys(file: Path) -> Iterator[Row]:
    what, other = f"log: `/` to screen at {ARRIVING:,} lines/s, p95", toolong()
    ours = pressed(OURS, write_log(file, 1000), _slash(OURS))
    bare = pressed(BARE_APP, file, _slash(BARE_APP))
    theirs = pressed(other, write_log(file, 1000), _slash(other)) if other else []
    yield Row(what, ours, TOOLONG, theirs, goal="≤ 50 ms", of=p95)
    yield Row(what, ours, f"{BARE_APP.name}, no log", bare, of=p95)
    for key in OTHERS:
        took = pressed(OURS, write_log(file, 1000), key, FEWER)
        yield Row(f"the same for {key.name}", took, f"`/` of {BARE_APP.name}", bare, goal="≤ 50 ms", of=p95)


def _memory(file: Path, empty: Path) -> Iterator[Row]:
    what, other = "log of 1M lines: memory above an empty one", toolong()
    yield Row(what, memory(OURS, file, empty), TOOLONG, memory(other, file, empty) if other else [], "MB", "≤ 30 MB")


def _frames(file: Path) -> Iterator[Row]:
    what, other = "log of 1M lines: page key to screen", toolong()
    ours = frames(OURS, file)
    yield Row(what, ours, TOOLONG, frames(other, file) if other else [], goal="≤ 16 ms a frame")
    yield Row(what, ours, f"{BARE_APP.name}, a screen of text", frames(BARE_APP, file))


def _hits(file: Path) -> Iterator[Row]:
    what, other = "log of 1M lines: first hit of a search", toolong()
    ours = [figure for _ in range(HITS) for figure in first_hit(OURS, file)]
    theirs = [figure for _ in range(HITS) for figure in first_hit(other, file)] if other else []
    yield Row(what, ours, TOOLONG, theirs, goal="≤ 300 ms")
    yield Row(what, ours, "`grep -nm1`", [_grep(file)[0] for _ in range(ROUNDS)])
