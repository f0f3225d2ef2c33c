"""The log: any size, never jumps, and cannot do anything to the terminal."""

from __future__ import annotations

from time import monotonic, thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from tui import untrusted
from tui.text import Cleaner
from tui.widgets.log_store import LogStore
from tui.widgets.log_view import LogView


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield LogView(id="log")

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)


def _lines(count: int, begin: int = 0) -> str:
    return "".join(f"line {number}\n" for number in range(begin, begin + count))


async def test_following_shows_the_last_line() -> None:
    async with Host().run_test(size=(40, 10)) as pilot:
        view = pilot.app.view  # type: ignore[attr-defined]
        view.append(_lines(100))
        view.draw()
        await pilot.pause()
        assert view.shown().endswith("line 99")


async def test_paused_it_never_jumps_and_counts_what_is_new() -> None:
    async with Host().run_test(size=(40, 10)) as pilot:
        view = pilot.app.view  # type: ignore[attr-defined]
        view.focus()
        view.append(_lines(100) + "x" * 300 + "\n")
        view.draw()
        await pilot.pause()
        await pilot.press("g")
        view.scroll_to(x=20, y=30, animate=False)
        await pilot.pause()
        before = view.scroll_offset
        view.append(_lines(500, 100))
        view.draw()
        await pilot.pause()
        assert view.scroll_offset == before
        assert view.unread == 500
        await pilot.press("G")
        await pilot.pause()
        assert view.unread == 0
        assert view.scroll_offset.x == before.x, "following never resets the column"
        assert view.shown().endswith("line 599")


async def test_scrolling_up_pauses_and_reaching_the_end_follows_again() -> None:
    async with Host().run_test(size=(40, 10)) as pilot:
        view = pilot.app.view  # type: ignore[attr-defined]
        view.focus()
        view.append(_lines(50))
        view.draw()
        await pilot.pause()
        await pilot.press("up", "up")
        await pilot.pause(0.3)
        assert not view.follow
        await pilot.press("pagedown")
        await pilot.pause(0.5)
        assert view.follow


async def test_two_hundred_thousand_lines_are_taken_in_quickly() -> None:
    async with Host().run_test(size=(80, 24)) as pilot:
        view = pilot.app.view  # type: ignore[attr-defined]
        batch = _lines(2000)
        began = monotonic()
        for _ in range(100):
            view.append(batch)
        view.draw()
        await pilot.pause()
        assert len(view.store) == 200_000
        assert monotonic() - began < 5


async def test_search_finds_every_line_once_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.widgets.log_store.CHUNK", 64)
    store = LogStore()
    store.append("".join(f"{'NEEDLE needle' if number % 7 == 0 else 'hay'} {number}\n" for number in range(300)))
    found = [line async for batch in store.find("needle") for line in batch]
    assert found == list(range(0, 300, 7))


def test_a_line_that_still_grows_is_shown_whole() -> None:
    store = LogStore()
    store.append("epoch 1 lo")
    assert store.lines(0, 5) == ["epoch 1 lo"]
    store.append("ss 0.5\nnext")
    assert store.lines(0, 5) == ["epoch 1 loss 0.5", "next"]
    assert len(store) == 2


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


async def test_the_scrollbar_is_at_the_end_while_following() -> None:
    async with Host().run_test(size=(40, 10)) as pilot:
        view = pilot.app.view  # type: ignore[attr-defined]
        view.append(_lines(200))
        view.draw()
        await pilot.pause()
        assert view.vertical_scrollbar.position == view.max_scroll_y == 190
