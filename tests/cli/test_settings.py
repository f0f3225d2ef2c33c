"""`trainshed settings`: each value with its source, one changed, what is refused; and the flags of the screens."""

from __future__ import annotations

import json

import pytest

from core.site import paths
from tests.cli.conftest import Run


def test_settings_are_listed_set_and_taken_out(fake: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINSHED_LOG_TIMES", "on")
    done = fake("settings", "set", "theme", "light")
    assert (done.code, done.out, done.err) == (0, "theme = light\n", f"{paths.settings()}\n")
    fake("settings", "set", "keys.watch.cancel_run", "ctrl+x")
    found = json.loads(fake("--no-mouse", "settings", "--json").out)
    values = {one["key"]: (one["value"], one["source"]) for one in found["values"]}
    assert values == {
        "theme": ("light", "file"),
        "mouse": (False, "flag"),
        "notifications": (True, "default"),
        "log.wrap": (False, "default"),
        "log.times": (True, "environment"),
        "log.follow": (True, "default"),
        "keys.watch.cancel_run": ("ctrl+x", "file"),
    }
    assert "wins" in fake("settings", "set", "log.times", "off").err
    assert "theme" in fake("settings", "--theme", "dark").out
    keys = {row["id"]: row["keys"] for row in json.loads(fake("settings", "keys", "--json").out)["keys"]}
    assert keys["watch.cancel_run"] == "ctrl+x" and keys["wizard.retry"] == "r"
    fake("settings", "set", "theme", "--default")
    assert "theme" not in paths.settings().read_text()
    assert fake("settings", "path").out == f"{paths.settings()}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("settings", "set", "theem", "dark"), "there is no setting 'theem' (did you mean theme?)"),
        (("settings", "set", "theme"), "no value for theme"),
        (("settings", "set", "mouse", "maybe"), "mouse: true or false, not 'maybe'"),
        (("settings", "set", "keys.watch.cancel_run", "r"), "r is also Run/retry (wizard.retry)"),
        (("--theme", "ligth", "settings"), "did you mean light?"),
        (("--read-only", "settings", "set", "theme", "dark"), "--read-only"),
    ],
)
def test_what_cannot_be_set_is_said_and_nothing_is_written(words: tuple[str, ...], said: str, fake: Run) -> None:
    done = fake(*words)
    assert done.code == 2 and said in done.err and not done.out
    assert not paths.settings().exists()


def test_a_broken_file_is_told_and_everything_else_works(fake: Run) -> None:
    paths.settings().parent.mkdir(parents=True, exist_ok=True)
    paths.settings().write_text("theme = dark\n")
    done = fake("settings")
    assert done.code == 0 and "theme" in done.out and "not used: " in done.err and "line 1" in done.err
    assert fake("check", "--fail-on", "critical").code == 0
    refused = fake("settings", "set", "theme", "dark")
    assert refused.code == 2 and "nothing was changed" in refused.err
    assert paths.settings().read_text() == "theme = dark\n"
