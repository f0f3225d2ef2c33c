"""What is asked on a terminal, and what happens where there is none."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core import events
from core.errors import ConnectError, PassphraseNeeded, TrainshedError
from core.site.secrets import Secret
from tests.cli.conftest import Run
from tests.cli.terminal import Terminal
from tests.fakes.script import FINGERPRINT, OTHER, RUN, Scenario
from tui import driver, questions
from tui.settings import Settings


def on_terminal(fields: dict[str, object], *words: str) -> Terminal:
    return Terminal("tests.cli.program", json.dumps(fields), *words)


@pytest.mark.parametrize("said", ["yes", FINGERPRINT])
def test_an_unknown_host_key_is_shown_whole_and_accepted_in_words(ward: Path, said: str) -> None:
    terminal = on_terminal({"host_key": "unknown"}, "connect")
    terminal.expect("203.0.113.10 port 22")
    terminal.expect(f"ssh-ed25519 {FINGERPRINT}")
    terminal.expect("+--[ED25519 256]--+")
    terminal.expect("Is it the same?")
    terminal.type(said + "\n")
    terminal.expect("trusted by you")
    assert terminal.end() == 0


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("no", "the host key was not accepted"),
        ("", "the host key was not accepted"),
        (OTHER, "that is not the fingerprint that the server shows"),
    ],
)
def test_anything_else_refuses_the_host_key(ward: Path, said: str, message: str) -> None:
    terminal = on_terminal({"host_key": "unknown"}, "connect")
    terminal.expect("Is it the same?")
    terminal.type(said + "\n")
    terminal.expect(message)
    assert terminal.end() == 3


def test_a_y_is_not_a_yes(ward: Path) -> None:
    terminal = on_terminal({"host_key": "unknown"}, "connect")
    for _ in range(2):
        terminal.expect("Is it the same?")
        terminal.type("y\n")
    terminal.expect("the host key was not accepted")
    assert terminal.end() == 3


@pytest.mark.parametrize("kind", ["passphrase", "password"])
def test_a_secret_is_asked_for_without_echo_and_a_wrong_one_once_more(ward: Path, kind: str) -> None:
    prompt = {"passphrase": "Passphrase of ~/.ssh/id_ed25519:", "password": "Password of azureuser@203.0.113.10:"}[kind]
    terminal = on_terminal({kind: "open sesame"}, "connect")
    terminal.expect(prompt)
    assert not terminal.echoes()
    terminal.type("wrong-guess\n")
    terminal.expect(prompt)
    assert not terminal.echoes()
    terminal.type("open sesame\n")
    terminal.expect("connected")
    assert terminal.end() == 0
    assert "sesame" not in terminal.shown and "wrong-guess" not in terminal.shown


def test_after_two_wrong_passphrases_it_ends(ward: Path) -> None:
    terminal = on_terminal({"passphrase": "open sesame"}, "connect")
    for _ in range(2):
        terminal.expect("Passphrase of")
        terminal.type("wrong\n")
    terminal.expect("That passphrase does not open the key")
    assert terminal.end() == 3


@pytest.mark.parametrize("fields", [{"host_key": "unknown"}, {"passphrase": "open sesame"}])
def test_ctrl_c_at_a_question_ends_at_once_and_the_terminal_echoes_again(ward: Path, fields: dict[str, object]) -> None:
    terminal = on_terminal(fields, "connect")
    terminal.expect("Is it the same?" if "host_key" in fields else "Passphrase of")
    terminal.type("\x03")
    terminal.expect("trainshed: interrupted")
    assert terminal.echoes()
    assert terminal.end() == 130


@pytest.mark.parametrize("words", [("connect", "--no-input"), ("--no-input", "connect")])
def test_with_no_input_nothing_is_asked_on_a_terminal_either(ward: Path, words: tuple[str, ...]) -> None:
    terminal = on_terminal({"host_key": "unknown"}, *words)
    assert terminal.end() == 3
    assert "Is it the same?" not in terminal.shown and "--fingerprint" in terminal.shown


def test_read_only_asks_as_well_for_it_changes_nothing_to_log_in(ward: Path) -> None:
    terminal = on_terminal({"passphrase": "open sesame"}, "--read-only", "connect")
    terminal.expect("Passphrase of")
    terminal.type("open sesame\n")
    terminal.expect("trusted by")
    assert terminal.end() == 0


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        (Scenario(host_key="unknown"), "host-key-unknown"),
        (Scenario(passphrase="x"), "passphrase-needed"),
        (Scenario(password="x"), "password-needed"),
    ],
)
def test_without_a_terminal_a_question_is_an_error(fake: Run, scenario: Scenario, code: str) -> None:
    said = fake("connect", "--json", scenario=scenario)
    assert said.code == 3
    assert json.loads(said.out)["error"]["code"] == code


def test_a_run_that_was_made_is_named_when_it_is_interrupted(ward: Path) -> None:
    terminal = on_terminal({"hold": ["half"]}, "run", "job.yml")
    terminal.expect("epoch")
    terminal.expect("epoch  20")
    terminal.type("\x03")
    terminal.expect("trainshed: interrupted")
    terminal.expect(f"run {RUN} goes on: trainshed logs {RUN} -f --from ")
    assert terminal.end() == 130


def test_an_interrupted_launch_says_how_to_find_out(ward: Path) -> None:
    terminal = on_terminal({"hold": ["build"]}, "run", "job.yml", "--id", "01JDEM08Z4V7Q2M5K9X3T6W1RA")
    terminal.expect("Installed 14 packages")
    terminal.type("\x03")
    terminal.expect("if run 01JDEM08Z4V7Q2M5K9X3T6W1RA was started, it goes on")
    assert terminal.end() == 130


async def test_an_answer_that_a_library_repeats_is_in_no_error() -> None:
    secret = "correct horse"

    class Told(questions.Questions):
        async def answer(self, need: TrainshedError) -> dict[str, Any]:
            return {"passphrase": Secret(secret)}

    async def start(passphrase: Secret | None = None) -> AsyncIterator[events.Event]:
        yield events.Phase(step="connect", title="Logging in")
        if passphrase is None:
            raise PassphraseNeeded("the key is locked")
        raise ConnectError(f"no key in {passphrase.reveal()}", hint=passphrase.reveal(), seen=passphrase.reveal())

    settings = Settings()
    with pytest.raises(ConnectError) as failed:
        async for _ in driver.asking(Told(settings, settings.output()), start):
            pass
    error = failed.value
    assert error.title == "no key in ***" and secret not in f"{error.hint} {error.facts}"
