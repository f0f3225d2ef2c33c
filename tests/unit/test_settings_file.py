"""The settings file: what it may say, what is told of mistakes, how it is written, what wins over it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from core.errors import ConfigError, UsageError
from core.site import paths
from tui.preferences import file, keys, resolve
from tui.preferences.schema import Preferences, settings

WRONG = """# mine
theem = "dark"
theme = "blue"
mouse = 1
[log]
wrap = true
times = "yes"
[keys]
wizard.retry = "ctrl+r"
"watch.cancel_run" = 3
"""


@pytest.fixture
def path(home: Path) -> Path:
    found = paths.settings()
    found.parent.mkdir(parents=True)
    return found


def test_each_mistake_is_one_message_with_file_line_and_key_and_the_rest_holds(path: Path) -> None:
    path.write_text(WRONG)
    found = resolve(environ={})
    assert found.preferences.log.wrap and found.preferences.keys == {"wizard.retry": "ctrl+r"}
    assert (found.preferences.theme, found.preferences.mouse, found.preferences.log.times) == ("auto", True, False)
    said = "\n".join(found.problems)
    assert len(found.problems) == 5
    assert f"{path}:2: theem: there is no such setting (did you mean theme?)" in said
    assert f"{path}:3: theme: 'blue' is none of auto, dark" in said
    assert f"{path}:4: mouse: true or false, not 1" in said
    assert f"{path}:7: log.times: true or false, not 'yes'" in said
    assert f"{path}:10: keys.watch.cancel_run: a key's name" in said


@pytest.mark.parametrize(
    ("bytes_", "said"),
    [
        (b"theme = ", "not TOML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a=" * 200_000, "larger than 32 KiB"),
        (b"x = " + b"[" * 5000, "not TOML"),
    ],
)
def test_a_broken_file_is_told_and_the_defaults_hold(path: Path, bytes_: bytes, said: str) -> None:
    path.write_bytes(bytes_)
    found = resolve(environ={})
    assert found.preferences == Preferences()
    assert len(found.problems) == 1 and said in found.problems[0] and str(path) in found.problems[0]


def test_a_folder_in_its_place_is_told(path: Path) -> None:
    path.mkdir()
    assert "is not a file" in resolve(environ={}).problems[0]


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(path: Path) -> None:
    path.write_text('theme = "light"\nmouse = false\n[log]\nwrap = true\n')
    environ = {"TRAINSHED_THEME": "contrast", "TRAINSHED_LOG_WRAP": "off", "TRAINSHED_LOG_TIMES": "perhaps"}
    found = resolve({"theme": "dark", "mouse": None}, environ)
    values = {key: (found.value(key), found.source(key)) for key in settings()}
    assert values["theme"] == ("dark", "flag")
    assert values["log.wrap"] == (False, "environment")
    assert values["mouse"] == (False, "file")
    assert values["notifications"] == (True, "default")
    assert found.problems == ["TRAINSHED_LOG_TIMES: true or false, not 'perhaps'"]


def test_writing_keeps_comments_a_link_and_everything_else(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text('# mine\ntheme = "dark" # at night\nother = 1\n\n[keys]\nwizard.retry = "f5"\n')
    path.symlink_to(real)
    file.write("theme", "light")
    file.write("log.wrap", True)
    file.write("keys.wizard.retry", "ctrl+r")
    file.write("keys.watch.cancel_run", "ctrl+x")
    text = real.read_text()
    assert path.is_symlink() and "# mine" in text and "other = 1" in text
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert [name for name in os.listdir(tmp_path) if "dotfiles" in name] == ["dotfiles.toml"]
    found = resolve(environ={})
    assert found.preferences.theme == "light" and found.preferences.log.wrap
    assert found.preferences.keys == {"wizard.retry": "ctrl+r", "watch.cancel_run": "ctrl+x"}
    for key in ("theme", "log.wrap", "keys.wizard.retry", "keys.watch.cancel_run"):
        file.write(key, None)
    assert resolve(environ={}).preferences == Preferences()


def test_what_is_not_toml_is_never_written_over(path: Path) -> None:
    path.write_text("theme = \n")
    with pytest.raises(ConfigError, match="not TOML"):
        file.write("theme", "dark")
    assert path.read_text() == "theme = \n"


@pytest.mark.parametrize(("text", "value"), [("on", True), ("NO", False), ("true", True), ("0", False)])
def test_on_and_off_are_understood(text: str, value: bool) -> None:
    assert file.of_text(settings()["log.wrap"], text) is value


def test_a_value_that_is_none_of_the_choices_is_refused_with_a_near_one() -> None:
    with pytest.raises(UsageError, match=r"did you mean light\?"):
        file.of_text(settings()["theme"], "ligth")


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"watch.cancel": "z"}, "there is no such binding (did you mean watch.cancel_run?)"),
        ({"watch.cancel_run": "r"}, "r is also Run/retry (wizard.retry)"),
        ({"watch.cancel_run": "r", "wizard.retry": "f9"}, ""),
        ({"watch.cancel_run": "contrl+z"}, "'contrl+z' is not a key"),
        ({"watch.cancel_run": "?"}, "question_mark is also Help (wizard.help)"),
        ({"watch.cancel_run": "ctrl+x"}, ""),
        ({"dialogue.cancel": "q"}, ""),
    ],
)
def test_keys_that_cannot_be_as_they_are_set_are_told(chosen: dict[str, str], said: str) -> None:
    found = keys.problems(chosen, keys.known())
    assert (said in "; ".join(found)) if said else not found
