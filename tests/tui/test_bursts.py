"""Keys that arrive in one read, as tmux send-keys or a paste helper sends them: each acts before the next one."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.command import CommandPalette
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher, Input

from tests.fakes.script import Scenario
from tui.screens.dialogues import Dialogue

from .walk import Walk, make_app, walking

NAMED = {"\x15": "ctrl+u", "\x7f": "backspace", "\r": "enter", "\t": "tab", "\x01": "home", "\x17": "ctrl+w"}
NAMED |= {"\x10": "ctrl+p"}


async def burst(walk: Walk, keys: str) -> None:
    """All of `keys` before the program has seen the first one."""
    await walk.settled()
    for key in keys:
        walk.app.post_message(events.Key(NAMED.get(key) or _character_to_key(key), key))
    await walk.settled()


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ("\x15me@192.0.2.1", "me@192.0.2.1"),
        ("abc\x15def", "def"),
        ("\x15abc\x7f\x7fx y", "ax y"),
        ("\x15two\x01one ", "one two"),
        ("\x15lost words\x17kept", "lost kept"),
        ("\x15" * 3 + "x" * 300, "x" * 300),
    ],
)
async def test_text_typed_after_an_editing_key_survives_in_order(keys: str, value: str) -> None:
    async with walking() as walk:
        field = walk.pane.query_one("#target", Input)
        field.focus()
        await walk.pilot.pause()
        await burst(walk, keys)
        assert field.value == value


async def test_a_paste_between_keys_stays_between_them() -> None:
    async with walking() as walk:
        field = walk.pane.query_one("#target", Input)
        field.focus()
        await walk.pilot.pause()
        for event in (
            events.Key("ctrl+u", "\x15"),
            events.Key("a", "a"),
            events.Paste("me@host"),
            events.Key("b", "b"),
        ):
            walk.app.post_message(event)
        await walk.settled()
        assert field.value == "ame@hostb"


async def test_text_after_tab_goes_into_the_next_field() -> None:
    async with walking() as walk:
        walk.pane.query_one("#target", Input).focus()
        await walk.pilot.pause()
        await burst(walk, "\x15vm\tSHA256:abc\t~/key")
        assert [walk.pane.value(id) for id in ("target", "fingerprint", "identity")] == ["vm", "SHA256:abc", "~/key"]


async def test_the_runs_are_sorted_before_they_are_drawn() -> None:
    async with walking(Scenario(earlier=3)) as walk:
        await burst(walk, "os")
        assert "▼" in walk.screen_text() or "▲" in walk.screen_text()


async def test_an_answer_and_the_next_step_in_one_read() -> None:
    async with walking(Scenario(host_key="unknown")) as walk:
        await walk.press("enter")
        await burst(walk, "yes\r2")
        assert walk.app.session.connected is not None
        assert walk.app.wizard.here == "check"


async def test_a_search_in_one_read_is_text_and_no_keys() -> None:
    async with walking() as walk:
        await walk.press("5", "enter")
        await burst(walk, "/xqrn gradient")
        assert walk.pane.value("search") == "xqrn gradient"
        assert walk.app.screen is walk.app.wizard


async def test_a_step_and_its_main_button_in_one_read() -> None:
    async with walking() as walk:
        await burst(walk, "2\r")
        assert walk.app.session.journey.states["check"] == "done"
        assert walk.app.session.connected is None


async def test_what_lies_over_a_dialogue_stays_and_the_palette_opens_as_often_as_it_is_asked_for() -> None:
    async with walking(Scenario(host_key="unknown")) as walk:
        await walk.press("enter")
        dialogue = walk.app.screen
        assert isinstance(dialogue, Dialogue)
        await burst(walk, "\x10")
        walk.app.pop_screen()
        walk.app.action_command_palette()  # before the first one has gone
        await walk.settled()
        palette = walk.app.screen
        assert CommandPalette.is_open(walk.app)
        dialogue.dismiss()
        await walk.settled()
        assert walk.app.screen is palette and dialogue in walk.app.screen_stack
        await walk.press("escape")
        assert walk.app.screen is dialogue


async def test_the_footer_may_look_at_any_moment_of_a_change_of_place(monkeypatch: pytest.MonkeyPatch) -> None:
    add, seen = ContentSwitcher.add_content, list[str]()
    async with walking() as walk:

        async def slow(self: ContentSwitcher, *args: Any, **more: Any) -> None:
            seen.append(walk.app.wizard.pane.STEP)
            assert walk.app.wizard.active_bindings
            await add(self, *args, **more)

        monkeypatch.setattr(ContentSwitcher, "add_content", slow)
        await burst(walk, "5\r")
        assert seen == ["connect"] and walk.app.wizard.pane.STEP == "watch"


async def test_a_key_that_comes_before_the_first_screen_is_ready_is_not_half_done() -> None:
    app = make_app()
    seen: list[tuple[str, bool]] = []

    async def at_once(pilot: Pilot[Any]) -> None:  # the panes are still being mounted
        walk = Walk(app, pilot)
        await walk.press("5")
        seen.append((app.wizard.here, walk.pane.display))
        app.exit()

    await app.run_async(headless=True, size=(80, 24), auto_pilot=at_once)
    assert seen == [("watch", True)]
