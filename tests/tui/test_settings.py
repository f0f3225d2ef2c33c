"""Settings on the screen, themes that follow the terminal, keys by their ids."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
from pathlib import Path
from time import monotonic

import pytest
from textual.color import Color
from textual.theme import Theme
from textual.widgets import OptionList

from core.site import paths
from tests.fakes.script import Scenario
from tests.fakes.services import fake_services
from tui.background import Ground, by_colorfgbg, is_light
from tui.commands.start import made
from tui.incoming import BackgroundKnown
from tui.preferences import Resolved, resolve
from tui.settings import Settings
from tui.themes import CHOICES, THEMES, chosen
from tui.widgets.key_line import KeyLine

from .walk import Walk, walking

ANSWER = "\x1b]11;rgb:f7f7/f8f8/f9f9\x1b\\"


@pytest.mark.usefixtures("brisk")
async def test_settings_are_changed_by_keys_shown_at_once_and_written(home: Path) -> None:
    async with walking(settings=resolve(environ={"TRAINSHED_MOUSE": "on"}), label="") as walk:
        await walk.press("comma")
        assert str(paths.settings()) in " ".join(walk.text("#settings-text").split())
        assert walk.app.theme == "trainshed-dark"
        await walk.press("right", "right")
        assert walk.app.theme == "trainshed-light"
        await walk.press("down", "enter")  # the mouse, which the environment sets
        assert "TRAINSHED_MOUSE sets it for this start" in walk.notices()
        await walk.press("down", "space", "down", "right")
        assert paths.settings().read_text() == (
            'theme = "light"\nmouse = false\nnotifications = false\n\n[log]\nwrap = true\n'
        )
        assert walk.app.settings.preferences.log.wrap
        await walk.press("delete", "home", "delete")
        assert walk.app.theme == "trainshed-dark"
        assert resolve(environ={}).layers["file"] == {"mouse": False, "notifications": False}


async def _to(walk: Walk, key: str) -> None:
    options = walk.app.screen.query_one(OptionList)
    options.highlighted = options.get_option_index(key)
    await walk.settled()


@pytest.mark.usefixtures("brisk")
async def test_a_key_is_changed_by_pressing_it_and_shows_in_footer_help_and_palette(home: Path) -> None:
    async with walking(settings=resolve(environ={}), size=(120, 40)) as walk:
        await walk.press("comma")
        await _to(walk, "keys.wizard.retry")
        await walk.press("enter", "c")
        assert "c is also Commands (wizard.commands). Nothing was changed." in walk.notices()
        await walk.press("enter", "f6")
        assert walk.app.settings.preferences.keys == {"wizard.retry": "f6"}
        await walk.press("escape")
        shown = {key.does: key.display for key in walk.app.screen.query_one(KeyLine).keys}
        assert shown["Run/retry"] == "f6"
        titles = {command.title: command.help for command in walk.app.get_system_commands(walk.app.screen)}
        assert titles["Run/retry"] == "key f6"
        await walk.press("r")
        assert walk.state == "todo" and "'r' does nothing here" in walk.notices()
        await walk.press("f6")
        assert walk.state == "done"
        await walk.press("question_mark")
        assert ("f6", "Run/retry") in walk.app.screen.keys  # type: ignore[attr-defined]


@pytest.mark.usefixtures("brisk")
async def test_what_is_wrong_with_the_file_is_said_and_nothing_stops(home: Path) -> None:
    paths.settings().parent.mkdir(parents=True)
    paths.settings().write_text('theme = "blu"\n[keys]\n"wizard.retri" = "f6"\n"wizard.next" = "r"\n')
    async with walking(settings=resolve(environ={})) as walk:
        await walk.settled()
        said = walk.notices()
        assert "settings.toml:1: theme: 'blu' is none of" in said
        assert "keys.wizard.retri: there is no such binding (did you mean wizard.retry?)" in said
        assert "keys.wizard.next: r is also Run/retry (wizard.retry)" in said
        await walk.press("enter")
        assert walk.state == "done"


@pytest.mark.usefixtures("brisk")
async def test_read_only_changes_the_session_and_no_file(home: Path) -> None:
    async with walking(settings=resolve(environ={}), read_only=True) as walk:
        await walk.press("comma", "right", "right")
        assert walk.app.theme == "trainshed-light"
        assert not paths.settings().exists()


@pytest.mark.usefixtures("brisk")
async def test_the_palette_has_what_a_field_hides_and_acts_from_there() -> None:
    async with walking(Scenario()) as walk:
        walk.pane.query_one("#target").focus()
        await walk.settled()
        commands = {command.title: command for command in walk.app.get_system_commands(walk.app.screen)}
        assert {"Go to Check", "Run/retry", "Settings", "Help", "Quit", "Theme contrast"} <= set(commands)
        assert commands["Go to Check"].help == "key 2"
        await commands["Go to Check"].callback()
        await walk.settled()
        assert walk.app.wizard.here == "check"


def test_every_choice_of_a_theme_is_one_for_dark_and_one_for_light() -> None:
    themes = {theme.name: theme for theme in THEMES}
    for setting in CHOICES:
        if not setting.endswith(("dark", "light")):
            assert themes[chosen(setting, light=False)].dark and not themes[chosen(setting, light=True)].dark
    assert {chosen(setting, light=light) for setting in CHOICES for light in (False, True)} == set(themes)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_words_can_be_read_on_every_ground_that_they_stand_on(theme: Theme) -> None:
    """WCAG 2.2: 4.5 to 1 for text; 7 to 1 where high contrast is promised."""
    least = 7.0 if "contrast" in theme.name else 4.5
    for ground in ("background", "surface", "panel"):
        for name in ("foreground", "muted", "primary", "success", "warning", "error", "accent"):
            word = theme.variables["muted"] if name == "muted" else getattr(theme, name)
            ratio = _contrast(Color.parse(word), Color.parse(getattr(theme, ground)))
            assert ratio >= (least if ground != "panel" else 4.5), f"{name} on {ground}: {ratio:.1f}"


def _contrast(one: Color, other: Color) -> float:
    def light(colour: Color) -> float:
        parts = [part / 255 for part in colour.rgb]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_no_status_of_blue_and_orange_is_told_by_red_against_green() -> None:
    """Pass and fail differ in blue, which red-green colour blindness leaves; by 60 of 255 at least."""
    for theme in THEMES:
        if "blue-orange" in theme.name:
            good, bad = Color.parse(theme.success or ""), Color.parse(theme.error or "")
            assert good.b - bad.b > 60


def test_the_background_is_read_from_an_answer_or_a_variable() -> None:
    assert is_light("ffff", "ffff", "ffff") and not is_light("12", "16", "1b") and is_light("f", "f", "0")
    assert by_colorfgbg("0;15") and by_colorfgbg("0;default;7") and not by_colorfgbg("15;0")
    assert not by_colorfgbg("") and not by_colorfgbg("0;8") and not by_colorfgbg("x")


def test_what_is_of_a_site_is_kept_and_a_flag_wins(home: Path) -> None:
    flags = Settings(theme="light", no_mouse=True)
    app = made(fake_services(), flags, Ground())
    assert app.session.keep and app.theme == "trainshed-light" and not app.settings.preferences.mouse
    assert app.settings.path == paths.settings()
    assert not made(fake_services(), flags, Ground(), label="demo").session.keep


def _painted(answer: bytes) -> bytes:
    """What the program writes to a terminal that answers at once, until its first picture is there."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.execv(sys.executable, [sys.executable, "-m", "tui.cli", "demo", "--replay"])
    written, end = b"", monotonic() + 20
    try:
        while b"6 Model" not in written and monotonic() < end:
            if select.select([terminal], [], [], 0.5)[0]:
                written += os.read(terminal, 65536)
            if b"\x1b]11;?" in written and answer:
                os.write(terminal, answer)
                answer = b""
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    return written


def test_the_first_picture_has_the_colours_of_the_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("COLORFGBG", raising=False)
    dark, light = (b"48;2;18;22;27", b"48;2;247;248;249")
    written = _painted(ANSWER.encode())
    assert light in written and dark not in written
    written = _painted(b"")
    assert dark in written and light not in written


@pytest.mark.usefixtures("brisk")
async def test_a_late_answer_changes_the_theme_unless_one_is_fixed() -> None:
    fixed = Resolved(layers={"flag": {"theme": "dark"}})
    for settings, theme in ((Resolved(), "trainshed-light"), (fixed, "trainshed-dark")):
        async with walking(settings=settings) as walk:
            walk.app.post_message(BackgroundKnown(True))
            await walk.settled()
            assert walk.app.theme == theme
