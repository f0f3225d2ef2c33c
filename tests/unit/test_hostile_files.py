"""Files that somebody else made: a recording, settings, a text of a run's code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from core import journal
from core.errors import ConfigError
from core.events import LogText
from core.runs import code_diff
from core.site import paths
from tui.output import Output
from tui.preferences import file
from tui.widgets.log_file import LogFile

HEAD = {"journal": 1, "site": "demo", "vm": "stackvm", "recorded": 0}


@pytest.mark.parametrize(
    "head",
    [HEAD | {"site": "/tmp/elsewhere"}, HEAD | {"site": "../.."}, HEAD | {"vm": "a\x1b]0;x\x07"}, HEAD | {"site": 1}],
)
def test_a_recording_names_no_folder(head: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "hostile.jsonl"
    path.write_text(json.dumps(head) + "\n")
    with pytest.raises(ConfigError, match="not a line of a journal"):
        journal.read(path)


@pytest.mark.parametrize("line", ["[" * 100_000, '{"at": 0, "call": Infinity, "op": "x"}'])
def test_a_line_that_is_none_of_a_recording_is_one_message(line: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.jsonl"
    path.write_text(json.dumps(HEAD) + f"\n{line}\n" + '{"at": 0, "call": 1, "op": "x"}\n')
    with pytest.raises(ConfigError, match=":2: not a line"):
        journal.read(path)


def test_half_of_a_character_in_a_recording_reaches_no_screen(tmp_path: Path) -> None:
    path = tmp_path / "hostile.jsonl"
    event = {"event": "log", "offset": 0, "text": "a\ud800b", "size": 3}
    lines = [HEAD, {"at": 0, "call": 1, "op": "runs.follow"}, {"at": 0, "call": 1, "is": event}]
    path.write_text("\n".join(map(json.dumps, lines)))
    ((_, told),) = journal.read(path).takes[0].entries
    assert isinstance(told, LogText) and told.text == "a?b"


def test_a_fifo_in_the_place_of_a_log_stalls_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("a\n")
    log = LogFile(path)
    path.unlink()
    os.mkfifo(path)
    assert log.look() == "a.log is gone: what it held is still shown"
    with pytest.raises(OSError, match="not a regular file"):
        LogFile(path)


@pytest.mark.parametrize("text", ["x = " + "9" * 5000, "a" + ".a" * 3000 + " = 1"])
def test_settings_that_nobody_would_write_are_a_problem_and_no_crash(text: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    found = file.read(path)
    assert found.values == {} and len(found.problems) == 1


def test_a_line_of_code_ends_where_an_interpreter_ends_it() -> None:
    assert "+import os" in (code_diff.unified("a.py", "# c\u2028import os\n", "# c\nimport os\n") or "")
    assert code_diff.unified("a.py", "a\r\nb\n", "a\nb\n") == ""


def test_nobodys_home_is_a_path_like_any_other() -> None:
    assert paths.expanded("~nobody-has-this-name/x") == Path("~nobody-has-this-name/x")


def test_what_is_printed_holds_no_escape_although_nobody_cleaned_it(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json_wanted=False, plain=False).lines(["a\x1b]0;x\x07b\x1b[2Jc\rd"])
    assert capsys.readouterr().out == "abcd\n"
