"""`trainshed fix`: who is asked, what is refused before anything happens, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core import events
from tests.cli.conftest import Run
from tests.fakes import fixes
from tests.fakes.script import Scenario
from tests.fakes.services import fake_services
from tui.cli import call
from tui.settings import Settings


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--read-only", "fix", "ssh.auth-tries", "--yes"), "--read-only: fix changes something"),
        (("fix", "--yes"), "which checks?"),
        (("fix", "ssh.auth-tries"), "nobody can be asked"),
        (("fix", "ssh.auth-tries", "--no-input"), "nobody can be asked"),
        (("fix", "ssh.auth-tries", "--json"), "nobody can be asked"),
        (("fix", "ssh.auth-tries", "--undo", "--yes"), "takes back the whole last fix"),
    ],
)
def test_what_cannot_be_done_is_refused_first(words: tuple[str, ...], said: str, fake: Run) -> None:
    answer = fake(*words)
    assert answer.code == 2 and said in answer.err + answer.out and "Planning" not in answer.err


def test_a_rehearsal_is_allowed_to_whoever_only_looks(fake: Run) -> None:
    assert fake("--read-only", "fix", "--dry-run", "--no-input").code == 0


def test_a_login_that_does_not_work_is_a_failure_that_says_so(fake: Run) -> None:
    answer = fake("fix", "ssh.auth-tries", "--yes", scenario=Scenario(locked_out=True))
    assert answer.code == 1 and "everything is as it was" in answer.err


def test_the_second_time_nothing_is_changed(fake: Run) -> None:
    answer = fake("fix", "ssh.auth-tries", "--yes", scenario=Scenario(fixed=True))
    assert answer.code == 0 and answer.out.endswith("nothing was changed\n")
    document = json.loads(fake("fix", "x", "--yes", "--json", scenario=Scenario(fixed=True)).out)
    assert document["result"] == "nothing" and document["planned"]["files"] == []


def test_sudo_that_asks_where_nobody_can_be_asked_is_an_error(fake: Run) -> None:
    answer = fake("fix", "ssh.auth-tries", "--yes", scenario=Scenario(sudo="geheim"))
    assert answer.code == 1 and "root is needed" in answer.err


@pytest.mark.parametrize(("typed", "code"), [("stackvm", 0), ("yes", 2), ("", 2)])
def test_the_vms_name_is_what_agrees(
    typed: str, code: int, ward: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a password of sudo is asked for once, hidden."""
    asked: list[str] = []

    def answer(prompt: str, text: str) -> str:
        asked.append(prompt)
        return text

    monkeypatch.setattr(Settings, "may_ask", True)
    monkeypatch.setattr("tui.questions.line", lambda prompt: answer(prompt, typed))
    monkeypatch.setattr("tui.questions._has_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: answer(prompt, "geheim"))
    scenario = Scenario(sudo="geheim")
    assert call(["fix", "ssh.auth-tries"], Settings(opener=lambda _site: fake_services(scenario))) == code
    said = capsys.readouterr()
    assert len(asked) == 2 and "sudo" in asked[0] and "stackvm" in asked[1]
    assert "+MaxAuthTries 4" in said.out and "fix ssh.auth-tries --yes" in said.err
    assert "geheim" not in said.out + said.err
    assert ("is kept" in said.out) == (code == 0)


def test_a_plan_is_recorded_and_comes_back_as_it_was() -> None:
    for event in (fixes.planned(undo=False, done=False), fixes.planned(undo=True, done=False)):
        assert events.from_json(json.loads(json.dumps(events.to_json(event)))) == event
