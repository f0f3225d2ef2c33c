"""Every binding of every screen and dialogue does something or says why not; a key that nobody has says so."""

from __future__ import annotations

import pytest
from textual.binding import Binding
from textual.widgets import Input, OptionList

from core.events import RunState
from tests.fakes.script import Scenario
from tui.preferences import keys as bound_keys
from tui.screens import settings
from tui.watched import Watched

from .walk import Walk, walking

# where: (scenario, keys that lead there from any step)
STEPS: dict[str, tuple[dict[str, object], list[str]]] = {
    name: ({}, [str(number)]) for number, name in enumerate(("connect", "check", "data", "launch", "watch", "model"), 1)
}
DIALOGUES: dict[str, tuple[dict[str, object], list[str]]] = {
    "host key": ({"host_key": "unknown"}, ["1", "r"]),
    "passphrase": ({"passphrase": "x"}, ["1", "r"]),
    "confirmation": ({}, ["5", "x"]),
    "fix": ({}, ["2", "enter", "f"]),
    "runs": ({"earlier": 3}, ["o"]),
    "compare": ({"earlier": 3}, ["o", "space", "space", "v"]),
    "curves": ({}, ["5", "enter", "tab", "v"]),
    "staged": ({}, ["3", "l"]),
    "earlier run": ({"first_try": True}, ["5", "enter", "tab", "e"]),
    "job files": ({}, ["4", "f"]),
    "start from": ({"earlier": 3}, ["4", "s"]),
    "help": ({}, ["question_mark"]),
    "what was said": ({}, ["M"]),
    "jump": ({}, ["J"]),
    "settings": ({}, ["comma"]),
    "key": ({}, ["comma", "end", "enter"]),
}
PLACES = STEPS | DIALOGUES
ENDS = ("leave", "app.leave", "suspend_process")
MOVES = ("move(", "link(", "page(", "end(", "scroll_", "cursor_")  # where there is no further line they need no word


async def _quiet(walk: Walk) -> None:
    for _ in range(2):
        await walk.app.workers.wait_for_complete()
        await walk.pilot.pause()


async def _there(walk: Walk, where: str) -> None:
    app = walk.app
    for _ in range(4):
        if app.screen is app.wizard and not isinstance(app.focused, Input):
            break
        await walk.pilot.press("escape")
        await walk.pilot.pause()
    if where != app.wizard.here:
        for key in PLACES[where][1]:
            if key == "x":
                _run_goes_on(walk)
            await walk.pilot.press(key)
            await _quiet(walk)
    app.clear_notifications()


def _run_goes_on(walk: Walk) -> None:
    pane = walk.pane
    going: RunState = "running"
    pane.seen = Watched("01JDEMO8Z4V7Q", state=going)  # type: ignore[attr-defined]


def _traces(walk: Walk) -> tuple[object, ...]:
    """What a key can change: the place, the focus, what is shown, a value, a line, a theme, a setting, a state."""
    app, screen = walk.app, walk.app.screen
    fields = [field.value for field in screen.query(Input).results()]
    lines = [(options.highlighted, options.option_count) for options in screen.query(OptionList).results()]
    shown = [widget.display for widget in screen.query("*").results()]
    follow = [view.follow for view in screen.query("LogView").results()]  # type: ignore[attr-defined]
    said = (str(walk.pane.status.content), len(walk.notices()), len(app.session.commands))
    text = walk.screen_text() if screen is not app.wizard else ""
    return (
        app.wizard.here, screen, app.focused, app.theme, app.settings, app._exit, fields, lines, shown, follow, said,
        text,
    )  # fmt: skip


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize("where", PLACES)
async def test_every_key_does_something_or_says_why_not(where: str) -> None:
    async with walking(Scenario(**PLACES[where][0])) as walk:  # type: ignore[arg-type]
        await _there(walk, where)
        screen = type(walk.app.screen)
        active = list(walk.app.screen.active_bindings.items())
        ours = [
            key
            for key, one in active
            if one.binding.id and one.binding.action not in ENDS and not one.binding.action.startswith(MOVES)
        ]
        assert len(ours) >= (15 if where in STEPS else 1)
        assert len({one.binding.action for _, one in active if one.binding.show and one.enabled}) <= 6
        for key in ours:
            await _there(walk, where)
            assert type(walk.app.screen) is screen, f"{where} is not reached again"
            before = _traces(walk)
            await walk.pilot.press(key)
            await _quiet(walk)
            same_place = where in STEPS and key == PLACES[where][1][0]
            assert same_place or _traces(walk) != before, f"{key} does nothing in {where}"


@pytest.mark.usefixtures("brisk")
async def test_a_key_that_nobody_has_says_so_once_in_a_while() -> None:
    async with walking() as walk:
        await walk.press("z", "z", "ctrl+t", "f7")
        assert walk.notices().splitlines() == [
            f"{key!r} does nothing here. ? shows the keys." for key in ("z", "ctrl+t", "f7")
        ]
        walk.app.clear_notifications()
        walk.app.wizard.pane.query_one("#target").focus()
        await walk.press("z", "down", "f7")
        assert walk.pane.value("target") == "stackvmz"
        assert "z" not in walk.notices()
        await walk.press("escape", "question_mark", "z")
        assert "'z' does nothing here. Escape closes this." in walk.notices()
        await walk.press("escape", "o", "z")
        assert walk.notices().splitlines()[-1] == "'z' does nothing here. ? shows the keys."


def test_every_binding_has_an_id_of_its_own_place_and_no_two_share_a_key() -> None:
    """Keys are set by these ids, so a binding without one could not be changed."""
    import importlib

    without: list[str] = []
    places: dict[str, set[str]] = {}
    for name in bound_keys.modules():
        for kind in vars(importlib.import_module(name)).values():
            if isinstance(kind, type) and kind.__module__ == name:
                for binding in vars(kind).get("BINDINGS", ()):
                    assert isinstance(binding, Binding)
                    without += [] if binding.id else [f"{kind.__name__}: {binding.key}"]
                    places.setdefault((binding.id or "").partition(".")[0], set()).add(kind.__name__)
    assert not without
    places["app"] -= {"Dialogue"}  # which else lets no key of the program through
    places["log"] -= {"LogPanel", "WatchPane"}  # its keys work around it too, under the same ids
    assert not {place: kinds for place, kinds in places.items() if len(kinds) > 1}
    known = bound_keys.known()
    assert {bound.place for bound in known.values()} == set(settings.PLACES), "each has a name on the settings screen"
    for bound in known.values():
        assert not [
            said for said in bound_keys.conflicts(bound.id, ",".join(bound.keys), {}, known) if "watch." not in bound.id
        ]
