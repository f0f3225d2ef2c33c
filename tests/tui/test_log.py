"""The log: any size, never jumps, and cannot do anything to the terminal."""

from __future__ import annotations

import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import thread_time
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.pilot import Pilot
from textual.widgets import Static

from core import kept
from tui import clipboard, untrusted
from tui.preferences import Resolved
from tui.preferences.schema import Log
from tui.screens.dialogues import Confirmation
from tui.text import Cleaner
from tui.viewer import ViewerApp
from tui.widgets.log_keys import KEYS
from tui.widgets.log_panel import LogPanel
from tui.widgets.log_prompt import LogPrompt
from tui.widgets.log_store import LogStore

from .walk import walking


class Host(App[None]):
    """A log of the size of the screen, less its title."""

    CSS_PATH = "../../tui/log.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "escape")]

    def __init__(self, **more: Any) -> None:
        super().__init__()
        self.more = more
        self.sent: list[str] = []

    def compose(self) -> ComposeResult:
        yield LogPanel(id="panel", **self.more)

    def copy_to_clipboard(self, text: str) -> None:
        self.sent.append(text)

    def action_escape(self) -> None:
        self.query_one(LogPanel).escape()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"muted": "#888888"}


class Hands:
    """What a person does with the log of a Host, and sees of it."""

    def __init__(self, app: Host, pilot: Pilot[Any]) -> None:
        self.app, self.pilot = app, pilot
        self.panel = app.query_one(LogPanel)
        self.view = self.panel.view
        self.view.focus()

    async def log(self, text: str) -> None:
        self.panel.append(text)
        await self.settled()

    async def settled(self) -> None:
        """Until all that arrived is counted, looked at and drawn."""
        for _ in range(3):
            self.view.draw()
            await self.panel.finder.work()
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()
        self.view.draw()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settled()

    async def type(self, key: str, text: str, *then: str) -> None:
        await self.pilot.press(key, *text)
        await self.settled()
        await self.press(*then)

    def shown(self) -> list[str]:
        return self.view.shown().split("\n")

    @property
    def title(self) -> str:
        return str(self.view.border_title)

    def refused(self) -> str:
        said = self.panel.query_one("#log-said", Static)
        return str(said.content) if said.display else ""

    def screen_text(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    def notices(self) -> str:
        return "\n".join(str(notice.message) for notice in self.app._notifications)


@asynccontextmanager
async def hands(text: str = "", size: tuple[int, int] = (60, 11), **more: Any) -> AsyncIterator[Hands]:
    app = Host(**more)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        there = Hands(app, pilot)
        await there.log(text)
        yield there


def _lines(count: int, begin: int = 0) -> str:
    return "".join(f"line {number}\n" for number in range(begin, begin + count))


async def test_following_and_paused_it_never_jumps() -> None:
    async with hands(_lines(100) + "x" * 300 + "\n") as log:
        bar = log.view.vertical_scrollbar
        assert log.shown()[-2] == "line 99" and "following" in log.title
        assert bar.position == log.view.max_scroll_y > 0
        await log.press("l", "l", "space")
        before, column = log.view.top, log.view.scroll_x
        assert column == 16
        await log.log(_lines(500, 100))
        assert log.view.top == before and log.view.scroll_x == column
        assert "paused · 500 new, G follows" in log.title
        assert bar.position < log.view.max_scroll_y
        await log.press("up", "pageup", "g")
        assert log.shown()[0] == "line 0" and bar.position == 0
        await log.pilot.resize_terminal(50, 16)
        await log.settled()
        assert log.shown()[0] == "line 0"
        await log.press("G")
        assert log.view.unread == 0 and log.view.follow
        assert log.view.scroll_x == column, "following never resets the column"
        assert log.shown()[-1] == "line 599"
        await log.press("k", "0", "pagedown")
        assert log.view.follow and log.view.scroll_x == 0, "down to the end follows again"


async def test_the_wheel_and_the_bar_go_where_they_say() -> None:
    async with hands(_lines(1000)) as log:
        await log.pilot._post_mouse_events([events.MouseScrollUp], log.view, button=0)
        await log.settled()
        assert not log.view.follow and log.shown()[-1] == "line 996"
        log.view.vertical_scrollbar.post_message(events.Click(log.view, 0, 0, 0, 0, 0, False, False, False))
        from textual.scrollbar import ScrollTo

        log.view.post_message(ScrollTo(y=log.view.max_scroll_y / 2))
        await log.settled()
        assert abs(int(log.shown()[0].split()[1]) - 500) < 20
        log.view.post_message(ScrollTo(y=log.view.max_scroll_y))
        await log.settled()
        assert log.shown()[-1] == "line 999" and "following" in log.title


async def test_long_lines_are_folded_and_the_first_character_stays() -> None:
    text = "".join(f"{number:03} " + "abcdefgh" * 20 + "\n" for number in range(50))
    async with hands(text, size=(41, 11)) as log:
        await log.press("w")
        assert not log.view.show_horizontal_scrollbar
        rows = log.view.rows.visible()
        assert len(rows) == 10 and rows[-1][1].text == ("049 " + "abcdefgh" * 20)[-4:]
        assert log.view.vertical_scrollbar.position == log.view.max_scroll_y
        await log.press("g", "j", "j")
        assert log.view.top == (0, 2)
        await log.pilot.resize_terminal(21, 11)
        await log.settled()
        assert log.view.top == (0, 4), "80 cells from the left, folded at 20"
        await log.press("w")
        assert log.shown()[0].startswith("000 ")
        assert log.view.follow is False


async def test_a_search_goes_along_while_it_is_typed() -> None:
    async with hands(_lines(1000) + "\x1b[31mLOSS\x1b[0m 1\n" + _lines(1000, 1000) + "loss 2\n") as log:
        await log.press("g")
        await log.type("slash", "loss 1")
        assert "LOSS 1" in log.shown() and "hit 1 of 1" in log.title
        await log.press("escape")
        assert log.shown()[0] == "line 0", "Escape goes back"
        assert not log.panel.searching
        await log.type("slash", "loss", "enter")
        assert "hit 1 of 2" in log.title and log.view.has_focus
        await log.press("n")
        assert "hit 2 of 2" in log.title and log.shown()[-1] == "loss 2"
        await log.press("n")
        assert "hit 1 of 2" in log.title, "round the end"
        await log.log("one more loss\n")
        assert "hit 1 of 3" in log.title
        await log.press("N")
        assert "hit 3 of 3" in log.title
        await log.type("slash", "nowhere", "enter")
        assert "'nowhere' is not in the log so far" in log.notices()
        await log.press("escape")
        assert not log.panel.searching and "hit" not in log.title
        await log.type("slash", "Loss", "enter")
        assert "0 hits" in log.title, "a capital counts"


async def test_the_prompt_lies_over_the_log_and_hides_no_line_of_it() -> None:
    async with hands(_lines(100), look=Log(wrap=True)) as log:
        region = log.view.region
        assert log.screen_text()[-1].startswith("line 99")
        await log.press("slash", "x")
        assert log.view.region == region, "nothing is laid out anew"
        assert [text[:8].strip() for text in log.screen_text()[-2:]] == ["line 99", "/ x"]
        await log.press("ctrl+r", "left_parenthesis")
        rows = log.panel.prompt.size.height
        assert rows > 1 and log.screen_text()[-1 - rows].startswith("line 99"), "it says why, and grew"
        await log.press("ctrl+u", "escape")
        assert log.screen_text()[-1].startswith("line 99")
        await log.press("up")
        before = log.view.top
        await log.press("slash", "escape")
        assert log.view.top == before and log.screen_text()[-1].startswith("line 98")


async def test_a_regular_expression_is_a_visible_choice_and_cannot_hang_the_program() -> None:
    async with hands(_lines(300) + "a" * 60 + "b\n") as log:
        way = log.panel.query_one("#log-way", Static)
        await log.type("slash", "line 1.5")
        assert "plain" in str(way.content) and "0 hits" in log.title
        await log.press("ctrl+r")
        assert "regex" in str(way.content) and "hit 1 of 10" in log.title
        await log.press("left_parenthesis")
        assert "not a regular expression" in log.refused()
        await log.press("enter")
        prompt = log.panel.query_one(LogPrompt)
        assert prompt.display and prompt.field.value == "line 1.5(", "the text stays"
        await log.press("ctrl+u")
        await log.type("a", "(a+)+$".removeprefix("a"), "enter")
        await log.press("escape", "slash")
        prompt.field.value = "(a+)+$"
        await log.press("enter")
        assert "takes too long" in log.notices()
        await log.press("slash", "escape")
        await log.type("slash", "b$", "enter")
        assert "hit 1 of 1" in log.title, "the next one is found"
        await log.press("slash")
        prompt.field.post_message(events.Paste("x" * 1_000_000))
        await log.settled()
        assert "1,000,000 characters" in log.notices() and prompt.field.value == ""


async def test_a_filter_is_live_counts_and_goes_back_to_where_one_was() -> None:
    async with hands(_lines(1000)) as log:
        await log.press("space", *["pageup"] * 10)
        before = log.shown()
        await log.type("ampersand", "7 ", "backspace", "enter")
        assert "271 of 1,000 lines have '7'" in log.title
        assert all("7" in line for line in log.shown())
        first = int(log.shown()[0].split()[1])
        assert first == next(n for n in range(int(before[0].split()[1]), 1000) if "7" in str(n))
        await log.log("line 7000\nline 8000\n")
        assert "272 of 1,002 lines" in log.title and "1 new" in log.title
        await log.press("escape")
        assert log.shown() == before, "nobody moved: it is as it was"
        await log.type("ampersand", "99", "enter")
        await log.press("g")
        assert log.shown()[0] == "line 99"
        await log.type("slash", "199", "enter", "escape", "escape")
        assert "lines have" not in log.title and log.shown()[0] == "line 99", "somebody went there"
        await log.press("G")
        await log.type("ampersand", "line 9", "enter")
        await log.log("line 9000\n")
        assert log.view.follow and log.shown()[-1] == "line 9000"
        await log.type("ampersand", "nowhere", "enter")
        assert "0 of 1,003 lines" in log.title
        await log.press("Y", "v")
        assert "no line to copy" in log.notices() and "no line to mark" in log.notices()
        await log.press("ampersand", "ctrl+u", "enter")
        assert log.shown()[-1] == "line 9000" and "lines have" not in log.title


async def test_marked_lines_are_copied_without_escapes_and_it_is_said_where_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    kept = tmp_path / "copied.log"

    def keep(text: str) -> Path:
        kept.write_text(text)
        return kept

    async with hands(
        _lines(20) + "\x1b]52;c;aGVsbG8=\x07\x1b[31mred\x1b[0m\nlast\n" + "w" * 60_000 + "\n", keeps=keep
    ) as log:
        await log.press("g", "v", "j", "j", "k", "y")
        assert log.app.sent == ["line 0\nline 1"]
        assert "Sent to the terminal's clipboard: 2 lines" in log.notices() and log.view.marked is None
        await log.press("G", "space", "k", "Y")
        assert log.app.sent[-1].endswith("line 19\nred\nlast")
        await log.press("v", "G")
        assert "marking: y copies" in log.title
        await log.press("y")
        assert len(log.app.sent[-1]) > 60_000 and not kept.exists()
        await log.log(("z" * 99 + "\n") * 1000)
        await log.press("G", "v", "g", "y")
        assert str(kept) in log.notices().replace("\n", "") and kept.read_text().startswith("line 0\n")
        await log.press("v", "escape")
        assert log.view.marked is None

        wanted = tmp_path / "took"
        tool = tmp_path / "xclip"
        tool.write_text(
            f"#!{sys.executable}\nimport sys, pathlib\npathlib.Path({str(wanted)!r}).write_text(sys.stdin.read())\n"
        )
        tool.chmod(0o700)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("DISPLAY", ":0")
        assert clipboard.tool() == ("xclip", "-selection", "clipboard")
        await log.press("g", "v", "y")
        assert wanted.read_text() == "line 0" and "Copied by xclip, and sent" in log.notices()
        tool.write_text(f"#!{sys.executable}\nraise SystemExit(1)\n")
        log.app.clear_notifications()
        await log.press("v", "y")
        assert "Copied" not in log.notices() and "Sent to the terminal's clipboard" in log.notices()


@pytest.mark.usefixtures("home")
async def test_a_log_is_saved_for_its_owner_alone_and_never_over_another_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    async with hands(_lines(50) + "\x1b[31mred\x1b[0m\x1b]0;title\x07\n", saves_as=lambda: "01J.log") as log:
        await log.press("s", "enter")
        saved = tmp_path / "01J.log"
        assert saved.read_text() == _lines(50) + "red\n"
        assert stat.S_IMODE(saved.stat().st_mode) == 0o600
        assert "Saved the log in" in log.notices()
        assert [item.path for item in kept.found(["logs"])] == [saved], "`trainshed kept` lists it"
        await log.type("ampersand", "4", "enter", "s", "enter")
        assert (tmp_path / "01J.filtered.log").read_text() == "".join(f"line {n}\n" for n in range(50) if "4" in str(n))
        await log.press("s", "ctrl+u")
        await log.type("0", "1J.log", "enter")
        assert isinstance(log.app.screen, Confirmation)
        await log.press("enter")
        assert saved.read_text().endswith("red\n") and "Nothing was saved" in log.notices()
        await log.press("s", "ctrl+u")
        await log.type("0", "1J.log", "enter", "tab", "enter")
        assert saved.read_text().startswith("line 4\n") and stat.S_IMODE(saved.stat().st_mode) == 0o600
        assert sorted(path.name for path in tmp_path.iterdir()) == ["01J.filtered.log", "01J.log"]
        await log.press("s", "ctrl+u")
        await log.type("n", "o/where", "enter")
        assert "Not saved in no/where: No such file" in log.notices()
        log.panel.read_only = True
        await log.press("s")
        assert "Read-only" in log.notices() and not log.panel.query_one(LogPrompt).display


async def test_one_goes_to_a_line_a_share_or_a_time_and_is_told_why_not() -> None:
    async with hands(_lines(1000), no_times="nobody kept them") as log:
        await log.type("colon", "500", "enter")
        assert log.shown()[0] == "line 499" and not log.view.follow
        await log.type("colon", "50%", "enter")
        assert log.shown()[0].startswith("line 50")
        await log.type("T", "14:03", "enter")
        assert "this log has no times: nobody kept them" in log.refused()
        await log.press("escape", "i")
        assert "This log has no times: nobody kept them" in log.notices()
        starts = [log.view.store.at_number(number) for number in range(0, 1000, 10)]
        log.panel.add_times((start, 1_700_000_000.0 + 6 * number) for number, start in enumerate(starts))
        await log.type("T", "22:14", "enter")
        assert log.shown()[0] == "line 70" and "22:14:02" in log.title
        await log.press("i")
        assert "22:14:02 line 70" in log.app.screen._compositor.render_strips()[1].text
        await log.type("T", "-1m", "enter")
        assert log.shown()[0] == "line 890"
        await log.type("T", "soon", "enter")
        assert "a time such as 14:03" in log.refused()


async def test_a_log_is_looked_at_as_it_was_set_and_a_key_changes_that() -> None:
    text = "".join(f"{number:03} " + "abcdefgh" * 10 + "\n" for number in range(50))
    async with hands(text, size=(50, 11), look=Log(wrap=True, times=True, follow=False)) as log:
        assert log.shown()[0].startswith("000 ") and len(log.view.visible_lines()) == 5, "folded, at its beginning"
        assert "paused · 50 new, G follows" in log.title and not log.view.timed, "no room for times that are not there"
        log.panel.add_times([(0, 1_700_000_000.0)])
        await log.settled()
        assert "22:13:20 000 abc" in log.app.screen._compositor.render_strips()[1].text
        await log.press("i", "w")
        log.panel.add_times([(log.view.store.at_number(9), 1_700_000_060.0)])
        log.panel.prefer(Log(wrap=True, times=True, follow=True))
        assert (log.view.timed, log.view.wrap) == (False, False), "what a key did stays"
        log.panel.prefer(Log(wrap=False, times=False))
        log.panel.prefer(Log(wrap=True, times=True))
        assert (log.view.timed, log.view.wrap) == (True, True)
        log.panel.clear()
        await log.log(text)
        assert log.shown()[-1].endswith("gh") and "following" in log.title


ATTACKS = (
    "\x1b]52;c;aGVsbG8=\x07",
    "\x1b]0;t\x1b\\",
    "\x1b]8;;http://x.example\x1b\\l\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[H",
    "\x9b2J",
    "\u202egnp",
    "\x1b[?1049l",
    "[red]markup[/]",
    "a\0b",
    "\x1bPq\x1b\\",
)


async def test_a_hostile_log_changes_nothing_but_its_own_lines(tmp_path: Path) -> None:
    """In the view itself, in a field, in the title and in the clipboard."""
    hostile = "".join(f"{number} {attack}\n" for number, attack in enumerate(ATTACKS))
    async with hands(hostile + "\x1b]52;c;bm8=", size=(60, 14)) as log:
        for _ in range(2):
            strips = log.app.screen._compositor.render_strips()
            text = "\n".join(strip.text for strip in strips)
            assert not [char for char in text if (ord(char) < 32 and char != "\n") or 0x7F <= ord(char) < 0xA0]
            assert "\u202e" not in text and "[red]markup[/]" in text and "52;c" not in text.replace("52;c;bm8=", "")
            assert not [s for strip in strips for s in strip if s.style is not None and s.style.link]
            await log.press("Y", "w")
        assert not [char for char in log.app.sent[0] if ord(char) < 32 and char != "\n"]
        await log.type("ampersand", "[red]", "enter")
        assert "1 of 11 lines have '[red]'" in log.title.replace("\\[", "[")


async def test_a_file_is_viewed_at_once_followed_and_its_changes_are_told(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_text(_lines(5000))
    settings = Resolved(layers={"file": {"theme": "contrast", "log.wrap": True, "keys.wizard.quit": "Q"}})
    app = ViewerApp(path, settings=settings, light=True)
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        panel = app.panel
        assert panel.view.shown().endswith("line 4999"), "before anything is counted"
        assert panel.view.wrap and app.theme == "trainshed-contrast-light"
        with path.open("a") as more:
            more.write("line 5000\n")
        app._look()
        panel.view.draw()
        await pilot.pause()
        assert panel.view.shown().endswith("line 5000") and "5,001 lines" in str(panel.view.border_title)
        await pilot.press("ampersand", "a", "enter", "slash", "n", "enter", "space")
        path.write_text("anew\nelse\n")
        follow = panel.view.follow
        app._look()
        await panel.finder.work()
        panel.view.draw()
        await pilot.pause()
        assert panel.view.shown() == "anew" and panel.view.follow is follow, "it is filtered as it was"
        assert "1 of 2 lines have 'a'" in str(panel.view.border_title) and panel.searching
        await pilot.press("escape", "escape")
        assert "job.log was cut" in str([said.text for said in app.said])
        await pilot.press("y", "escape", "t", "question_mark")
        await pilot.pause()
        assert "No line is marked" in str([said.text for said in app.said])
        keys = {does: key for key, does in app.screen.keys}  # type: ignore[attr-defined]
        assert keys["Filter"] == "&" and keys["Mark lines"] == "v"
        await pilot.press("escape", "Q")
        assert app._exit
    for late in (events.Key("j", "j"), events.Paste("j")):
        await app.on_event(late)  # no crash
    assert LogStore().size == 0


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_no_control_character_survives(text: str) -> None:
    kept = untrusted.plain(text) + untrusted.line(text).plain
    assert not [char for char in kept if (ord(char) < 32 and char not in "\n\t") or 0x7F <= ord(char) < 0xA0]


@pytest.mark.parametrize(
    "attack",
    [
        "\x1b]52;c;aGVsbG8=\x07",  # the clipboard
        "\x1b]0;title\x1b\\",
        "\x1b[2J\x1b[H",
        "\x1bP+q544e\x1b\\",
        "\x9b2J",
        "\x1b[?1049l",
        "\x1b]8;;http://example.com\x1b\\link",
        "\u202egnp.exe",
    ],
)
def test_attacks_leave_only_text(attack: str) -> None:
    line = untrusted.line(f"a{attack}b")
    assert "\x1b" not in line.plain
    assert "\x9b" not in line.plain
    assert "\u202e" not in line.plain
    assert "52;c" not in line.plain
    assert not any("link" in str(span.style) for span in line.spans)


OPENERS = ["\x1b]", "\x1b[", "\x1bP", "\x90", "\x9d", "\x9b", "\x1b", "\x1b]x", "\x1b[1 ", "\x1b ", "\x1b[3\x1b]"]


def _took(opener: str, count: int) -> float:
    """Of the processor, the best of three: the machine may be busy."""
    text, best = opener * count, float("inf")
    for _ in range(3):
        began = thread_time()
        untrusted.plain(text)
        untrusted.line(text)
        Cleaner(colours=True).clean(text)
        best = min(best, thread_time() - began)
    return best


@pytest.mark.parametrize("opener", OPENERS)
def test_four_times_the_hostile_text_takes_about_four_times_as_long(opener: str) -> None:
    """What is quadratic would take sixteen times as long."""
    assert _took(opener, 32_000) < 9 * max(_took(opener, 8_000), 0.0005)


@pytest.mark.parametrize("opener", ["\x1b]0;", "\x1bP", "\x9d", "\x1b[", "\x1b"])
def test_a_sequence_without_an_end_swallows_nothing_that_follows(opener: str) -> None:
    assert untrusted.plain(f"a{opener}\nnext line").endswith("\nnext line")
    assert "said" in untrusted.plain(f"a{opener}.\tsaid")
    assert Cleaner(colours=False).clean(f"a{opener}\nnext line\n").endswith("\nnext line\n")


def test_colours_of_a_log_are_shown_and_a_progress_bar_is_its_last_state() -> None:
    line = untrusted.line("10 %\r50 %\r\x1b[31m100 %\x1b[0m done\n")
    assert line.plain == "100 % done"
    assert line.spans


async def test_in_the_wizard_the_keys_of_the_log_work_beside_it_and_mean_what_they_did() -> None:
    async with walking() as walk:
        await walk.press("5", "enter")
        panel = walk.pane.query_one(LogPanel)
        walk.pane.query_one("#primary").focus()
        await walk.type("&epoch")
        await walk.press("enter")
        panel.view.draw()
        assert "40 of 121 lines" in str(panel.view.border_title) and panel.view.has_focus
        walk.pane.query_one("#primary").focus()
        await walk.type("T12:00:20")
        await walk.press("enter")
        assert panel.view.shown().startswith("epoch  20")
        await walk.press("y")
        assert "clipboard: trainshed --site ward-7 logs" in walk.notices(), "y copies the command line"
        await walk.press("v", "y")
        assert "clipboard: 1 line" in walk.notices()
        await walk.press("escape", "n")
        assert walk.app.wizard.here == "model", "n is the next step where nothing is searched"
        await walk.press("b", "question_mark")
        does = {text.removesuffix(" (not now)") for _, text in walk.app.screen.keys}  # type: ignore[attr-defined]
        assert {key.description for key in KEYS} <= does
        await walk.press("escape", "N", "ctrl+r")
        assert "Nothing is searched" in walk.notices() and "while you type it" in walk.notices(), "why they are off"
        names = [command.title for command in walk.app.get_system_commands(walk.app.screen)]
        assert names.count("Filter") == 1, "once, though the pane has its keys too"
        walk.app.change("log.wrap", True)
        await walk.pilot.pause()
        assert panel.view.wrap
        walk.app.change("keys.log.filter", "f")
        walk.pane.query_one("#primary").focus()
        await walk.type("fepoch")
        assert "40 of 121 lines" in str(panel.view.border_title), "a key that was set works around the log, too"
