"""In a real terminal: a tmux session of 80×24, by keys, by the mouse, and by what a terminal does to a program."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic, sleep

import pytest

from core.agent import processes
from core.demo import RECORDED
from tui.steps import BY_ID

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30
REPLAY = ("-m", "tui.cli", "replay", str(RECORDED), "--speed", "max", "--by-hand")
FAKE = ("-m", "tests.fakes.app")
COLOUR = re.compile(r"\x1b\[(?:[0-9]+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed (system package tmux)")


class Terminal:
    """One tmux server of its own, ended with the test."""

    def __init__(self) -> None:
        self.socket = f"trainshed-{uuid.uuid4().hex[:8]}"

    def tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-L", self.socket, "-f", "/dev/null", *words], capture_output=True, text=True)
        return done.stdout

    def open(self, *words: str, shell: bool = False, environment: Mapping[str, str] | None = None) -> None:
        """Starts python with these words; with `shell` as a job of a shell that stays."""
        values = {"PYTHONPATH": str(ROOT), "TERM": "tmux-256color", "TRAINSHED_HOME": os.environ["TRAINSHED_HOME"]}
        values.update(environment or {})  # not by tmux, which has a TERM of its own
        size = ("-u", "COLUMNS", "-u", "LINES")  # they would be believed, and not the terminal
        program = shlex.join(
            ["env", *size, *(f"{name}={value}" for name, value in values.items()), sys.executable, *words]
        )
        bash = "PS1='ready> ' exec bash --norc --noprofile -i"
        line = f"cd {ROOT} && {bash if shell else f'{program}; echo ended with $?; exec sleep 60'}"
        self.tmux("new-session", "-d", "-x", "80", "-y", "24", line)
        if shell:
            self.wait("ready>")
            self.keys("before=$(stty -g)", "Enter", program, "Enter")

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def click(self, label: str, wanted: str) -> str:
        """Presses and releases the left button on the lowest `label` until `wanted` is shown.

        A button can move between the look at it and the click; a person clicks again.
        """
        end = monotonic() + PATIENCE_S
        while monotonic() < end:
            rows = list(enumerate(self.seen().splitlines(), 1))
            found = [(row, hit.start(1)) for row, line in rows if (hit := re.search(rf"(?:^| )({label})(?: |$)", line))]
            for row, at in found[-1:]:
                for way in "Mm":
                    self.bytes(f"\x1b[<0;{at + len(label) // 2 + 1};{row}{way}".encode())
            again = monotonic() + 2
            while monotonic() < again:
                if wanted in (seen := self.seen()):
                    return seen
                sleep(0.03)
        raise AssertionError(f"{label!r} did not lead to {wanted!r}:\n{self.seen()}")

    def press(self, key: str, wanted: str) -> str:
        """A key until `wanted` is shown: what is typed while a program is being taken up again can be lost."""
        end = monotonic() + PATIENCE_S
        while monotonic() < end:
            self.keys(key)
            again = monotonic() + 0.7
            while monotonic() < again:
                if wanted in (seen := self.seen()):
                    return seen
                sleep(0.03)
        raise AssertionError(f"{key!r} did not lead to {wanted!r}:\n{self.seen()}")

    def paste(self, path: Path) -> None:
        self.tmux("load-buffer", str(path))
        self.tmux("paste-buffer", "-p", "-d")

    def bytes(self, data: bytes) -> None:
        """As they are, at once."""
        self.tmux("send-keys", "-H", *(f"{byte:02x}" for byte in data))

    def seen(self, *more: str) -> str:
        return self.tmux("capture-pane", "-p", *more)

    def wait(self, text: str) -> str:
        return self.until(lambda seen: text in seen, text)

    def until(self, holds: Callable[[str], bool], what: str) -> str:
        end = monotonic() + PATIENCE_S
        while monotonic() < end:
            seen = self.seen()
            if holds(seen):
                return seen
            sleep(0.03)  # a terminal cannot be waited on
        raise AssertionError(f"{what!r} did not appear:\n{self.seen()}")

    def program(self) -> int:
        """The pid of what runs in the terminal."""
        shell = int(self.tmux("display-message", "-p", "#{pane_pid}"))
        words = {pid: Path(f"/proc/{pid}/cmdline").read_text().split("\0") for pid in processes.tree(shell)}
        return next(pid for pid, line in words.items() if line[0] == sys.executable)


@pytest.fixture
def terminal(home: Path) -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.tmux("kill-server")


STEPS = (  # what is done in each step: a key or the label of a button, and what is shown then
    ("connect", "Enter", "Connect", "Connected to"),
    ("check", "Enter", "Check", " warn, "),
    ("data", "Enter", "Check the path", "The path holds"),
    ("data", "Enter", "Stage on the VM", "Staged on"),
    ("launch", "Enter", "Show what it does", "Press Enter to launch"),
    ("launch", "Enter", "Launch", "goes on by itself"),
    ("watch", "", "", "✓ completed"),
    ("model", "Enter", "Register", "Register: done"),
    ("model", "Enter", "Package", "Package: done"),
    ("model", "Enter", "Deploy", "Deploy: done"),
    ("model", "Enter", "Ask for row 17", "it matches the label"),
)
NUMBERS = {"check": "2", "data": "3", "launch": "4", "watch": "5", "model": "6"}


def test_the_recorded_journey_by_keys_alone_after_being_stopped_and_taken_up(terminal: Terminal) -> None:
    terminal.open(*REPLAY, shell=True)
    terminal.wait("Press Enter to connect")
    terminal.keys("C-z")
    terminal.wait("Stopped")
    terminal.keys("fg", "Enter")
    terminal.wait("Fingerprint")
    terminal.press("Enter", "Is this the right VM?")
    terminal.keys("yes", "Enter")
    here = ""
    for step, key, _, wanted in STEPS:
        if step != here:
            terminal.keys(*([NUMBERS[step]] if step in NUMBERS else []), *([key] if here and key else []))
        else:
            terminal.keys(key)
        here = step
        seen = terminal.wait(wanted)
        assert all(len(line) <= 80 for line in seen.splitlines())
    terminal.keys("C-c")
    terminal.wait("q quits")
    terminal.keys("q")
    terminal.wait("ready>")
    terminal.keys('echo ended with $?; [ "$before" = "$(stty -g)" ] && echo the same, $((40 + 2))', "Enter")
    assert "ended with 0" in terminal.wait("the same, 42")


def test_the_recorded_journey_by_the_mouse_alone(terminal: Terminal) -> None:
    terminal.open(*REPLAY)
    terminal.wait("Press Enter to connect")
    terminal.click("Connect", "Is this the right VM?")
    terminal.click("Do not trust it", "Not connected: the question was not answered")
    here = "connect"
    for step, _, label, wanted in STEPS:
        if step != here:
            first = "Job files (f)" if step == "launch" else BY_ID[step].does[:30]
            terminal.click("Next ›", first if label else wanted)
        here = step
        if label:
            terminal.click(label, wanted)
    terminal.click("q Quit", "ended with 0")


def test_resize_while_a_log_streams_and_a_megabyte_pasted_into_a_screen_and_a_field(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.open(*FAKE, "pace_s=0.01", "epochs=60")
    terminal.wait("Press Enter to connect")
    terminal.keys("5", "Enter")
    terminal.wait("epoch ")
    for width, height in ((120, 40), (59, 17), (200, 50), (80, 24)):
        terminal.tmux("resize-window", "-x", str(width), "-y", str(height))
        wanted = "too small" if width < 60 else "Log ·"
        seen = terminal.until(lambda seen, wanted=wanted: wanted in seen, wanted)  # type: ignore[misc]
        assert all(len(line) <= width for line in seen.splitlines())
    large = tmp_path / "large"
    large.write_text("q123456\n" * 131_072)
    terminal.paste(large)
    terminal.wait("✓ completed")
    assert "Log ·" in terminal.seen(), "text that was pasted is no keys"
    terminal.keys("1")
    terminal.wait("Fingerprint")
    terminal.keys("BTab", "BTab")
    terminal.paste(large)
    terminal.wait("characters were pasted")
    terminal.keys("Escape")
    terminal.wait("q Quit")  # Escape and a key at once would be Alt and that key
    terminal.keys("2")
    terminal.wait("Nothing was checked yet")


def test_bytes_of_a_paste_an_answer_and_of_nothing_at_all_are_no_keys(terminal: Terminal) -> None:
    """`1` to `6` would leave the step, `x` asks whether to cancel, `q` quits."""
    terminal.open(*FAKE, "pace_s=0.01", "epochs=60", environment={"COLORFGBG": "15;0"})
    terminal.wait("Press Enter to connect")
    terminal.keys("5", "Enter")
    terminal.wait("epoch ")
    for sent in (
        b"\x1b[200~x\x1bx\x1b[Axq\x1b]0;1x\x07\xff\xfe2q\x1b[201",
        b"~",
        b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b]11;rgb:1111/1111/1111\x07",
        b"\x1bP>|x1q2 2\x1b\\\x1b_Gq1;2\x1b\\\x1b[?1;2c\x1b[>1;2x\x1b[99999999999u\x1b[48;0;0;0;0t\xc3\x28\xff\x80",
    ):
        terminal.bytes(sent)
    terminal.wait("✓ completed")
    assert "Log ·" in terminal.seen()
    terminal.bytes(b"\x1b[200~2q")  # without an end
    terminal.wait("A paste had no end")
    assert "Log ·" in terminal.seen()
    terminal.bytes(b"\x1b]")  # Alt+], by itself
    terminal.press("2", "Nothing was checked yet")


def test_a_log_cannot_change_the_title_or_clipboard(terminal: Terminal) -> None:
    terminal.open(*FAKE, "epochs=4")
    terminal.tmux("set-option", "-s", "set-clipboard", "on")
    terminal.wait("Press Enter to connect")
    terminal.keys("5", "Enter")
    seen = terminal.wait("warning: 2 columns are constant")
    assert "Log ·" in seen
    assert terminal.tmux("show-buffer") == ""
    assert COLOUR.search(terminal.seen("-e")), "here there are colours; the next test looks for none"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "vt100")])
def test_a_terminal_without_colours_gets_none_and_one_that_is_closed_leaves_nothing(
    terminal: Terminal, name: str, value: str
) -> None:
    terminal.open(*FAKE, environment={name: value})
    terminal.wait("Press Enter to connect")
    terminal.keys("Enter")
    terminal.wait("Connected to")
    assert not COLOUR.search(terminal.seen("-e"))
    program = terminal.program()
    terminal.tmux("kill-server")  # SIGHUP
    end = monotonic() + PATIENCE_S
    while Path(f"/proc/{program}").exists():
        assert monotonic() < end, "it outlives its terminal"
        sleep(0.03)
