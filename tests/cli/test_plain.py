"""The journey as lines and questions, over the fake services."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Said
from tests.cli.terminal import Terminal
from tests.fakes.script import RUN, Scenario
from tui.output import Output

Answered = Callable[..., Said]
WHOLE = (
    "", "", "", "", "", "", "",  # connect, next, check, next, path, stage, next
    "", "job.yml", "", "", "",  # look asks for the job file and its settings; launch, next
    "", "",  # follow, next
    "", "", "", "",  # register, package, deploy, ask
    "quit",
)  # fmt: skip


@pytest.fixture
def answered(fake: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answered:
    """`trainshed --plain` with a file of answers on stdin."""

    def run(*answers: str, words: tuple[str, ...] = ("--plain",), scenario: Scenario | None = None) -> Said:
        script = tmp_path / "answers"
        script.write_text("".join(answer + "\n" for answer in answers))
        with script.open() as file:
            monkeypatch.setattr("sys.stdin", file)
            return fake(*words, scenario=scenario)

    return run


def in_order(text: str, *parts: str) -> None:
    at = 0
    for part in parts:
        assert part in text[at:], f"{part!r} is not after {text[max(0, at - 60) : at]!r} in\n{text}"
        at = text.index(part, at) + len(part)


def test_the_whole_journey_is_walked_by_a_script_of_answers_in_ascii(answered: Answered) -> None:
    said = answered(*WHOLE)
    assert (said.code, said.err) == (0, "")
    assert said.out.isascii() and "\x1b" not in said.out and "\r" not in said.out
    in_order(
        said.out,
        "Step 1 of 6: Connect. It is to do.", "Connecting to stackvm. The same on the command line: trainshed",
        "It is done (connected to stackvm as azureuser).",
        "Step 2 of 6: Check.", "FAIL (high): Passwords are refused. Found: PasswordAuthentication yes", "Fix: ",
        "It is done (25 pass, 2 warn, 1 fail, 1 unknown, 3 skipped).",
        "Step 3 of 6: Data.", "The path holds.", "It is done (samples/ is staged, 2 files, 124 kB).",
        "Step 4 of 6: Launch.", "warning: job.yml:9: command: pip install", "leaves here  code: 3 files",
        "That is what would run.", f"run {RUN} on stackvm",
        "Step 5 of 6: Watch.", "The job logged the param lr = 0.05.", "log: ", "Metrics at step 39: loss ",
        "The run completed.",
        "Step 6 of 6: Model.", "breast-cancer:1 registered", "answer      right",
        "Done: trained, registered, served and asked", "Goodbye.",
    )  # fmt: skip
    assert said.out.count("leaves here  code") == 1, "once, with what the VM has"
    assert said.out.count("\nMetrics at step") == 1, "metrics come at a calm rate"


def test_what_is_staged_is_told_and_removed_after_the_word_yes(answered: Answered) -> None:
    scenario = Scenario()
    answers = "data list evict samples/ evict patients/ no purge patients/ yes list evict - quit"
    said = answered(*answers.split(), scenario=scenario)
    in_order(
        said.out,
        "Looking what is staged. The same on the command line: trainshed --site ward-7 data list", "unfinished: scans/",
        "What to evict (a path", "stays: run 01JDEMO8Z4V7Q",
        "would be evicted: 51d0a77e7e7e", "Evict this? Yes or no [no]: no", "Nothing was removed.",
        "would be purged: 0c44e9b2b2b2", "[no]: yes", "purged 51d0a77e7e7e", "receipt   purge-20261123",
        "9f2c4be1a07d", "Nothing was named, and nothing was removed.",
    )  # fmt: skip
    assert len(scenario.evicted) == 2


def test_the_broken_link_is_named_with_what_to_do_and_a_mistyped_version_fails_no_step(answered: Answered) -> None:
    said = answered(*["data", "path", "quit"], scenario=Scenario(broken_link="data.tls"))
    told = said.out.partition("checks in ")[2]
    in_order(told, "The path breaks at TLS: ", "What to do: ", 'say "path".', "It is failed (broken at TLS).")
    said = answered(*["data", "stage", "evict", "nowhere", "purge", "-", "quit"])
    in_order(
        said.out,
        "It is done (samples/ is staged", "Failed after ", "nowhere", "It is done (samples/ is staged",
        "What to purge (a path, or the beginning of a digest, as list says them) [nothing]: -",
    )  # fmt: skip


def test_steps_are_reached_by_name_and_what_an_earlier_session_did_is_told(answered: Answered) -> None:
    said = answered("", "watch", "la", "step 2", "steps", "launch", "steps", "x", "l", "quit")
    in_order(
        said.out,
        "Step 5 of 6: Watch", "Step 4 of 6: Launch", "Step 2 of 6: Check", "  1 Connect: done (connected to stackvm",
        "Which step? Its number or name [check]: launch", "Step 4 of 6: Launch", "There is no step 'x'",
        "What next? 1 look", "There is no choice 'l' here", "[look]: quit",
    )  # fmt: skip
    again = answered("steps", "", "quit")
    in_order(
        again.out,
        "It is done on ", ": connected to stackvm as azureuser.", "1 Connect: done on ", "2 Check: to do",
    )  # fmt: skip
    prompts = [line for line in (said.out + again.out).splitlines() if "?" in line and "[" in line]
    assert len(prompts) > 9 and all(re.fullmatch(r"[A-Z].* \[[a-z]+\]: .*", line) for line in prompts), prompts


def test_an_error_keeps_what_was_typed_and_going_back_loses_nothing(answered: Answered) -> None:
    said = answered(
        "steps", "4", "look", "gone.txt", "inputs.lr=0.2",  # no such job file
        "back", "next", "change", "job.yml", "",  # Enter keeps the settings
        "again", "report", "no such thing", "99", "-5",
        scenario=Scenario(),
    )  # fmt: skip
    assert said.code == 0
    in_order(
        said.out,
        "gone.txt: no such job file", "What to do: Give the path", "What was typed is kept.", "[again]: back",
        "Step 3 of 6", "Step 4 of 6: Launch. It is failed",
        "[gone.txt]: ", "[inputs.lr=0.2]: ",
        "trainshed run job.yml --set=inputs.lr=0.2 --dry-run".replace("trainshed", "trainshed --site ward-7"),
        "That is what would run.",
        "There is no choice 'report' here", "There is no choice 'no such thing' here", "There is no choice '99' here",
        "There is no choice '-5' here", "The input has ended.", "Goodbye.",
    )  # fmt: skip


def test_what_changed_since_the_look_is_not_launched(answered: Answered) -> None:
    said = answered("steps", "4", "", "job.yml", "", "", "", "", "quit", scenario=Scenario(edited_later="--fast"))
    assert (said.code, said.err) == (0, "")
    in_order(
        said.out,
        "That is what would run.", "Launching job.yml.",
        "Failed after ", "what would run changed since you looked: command", "look again, then launch what is shown",
        "  command: was python train.py", "--lr 0.05 --fast", "That is what would run.", f"run {RUN} on stackvm",
    )  # fmt: skip


def test_findings_are_chosen_heard_line_by_line_and_put_right_by_the_vms_name(answered: Answered) -> None:
    said = answered(
        "steps", "2", "fix", "check",
        "fix", "9", "fix", "none",
        "fix", "2, ssh.passwords", "othervm",
        "again", "stackvm", "findings",
        "undo", "stackvm", "quit",
        scenario=Scenario(),
    )  # fmt: skip
    assert (said.code, said.err) == (0, "") and said.out.isascii()
    in_order(
        said.out,
        "Nothing was checked yet.", "It is done (25 pass, 2 warn, 1 fail, 1 unknown",
        "  1 Passwords are refused, high, ssh.passwords", "none [all]: 9",
        "There is no finding '9'. Nothing was changed.",
        "fix ssh.forwarding ssh.passwords --dry-run",
        "FIX (low): Few tries for each connection, ssh.auth-tries. MaxAuthTries 4",
        "REFUSED (high): Passwords are refused", "by hand: ssh-copy-id",
        "File /etc/ssh/sshd_config.d/10-trainshed.conf is new:", "  add: MaxAuthTries 4",
        "Permissions of /etc/ssh/sshd_config: from 0644 to 0600.", "Command on the VM: /usr/sbin/sshd -t",
        "within 90 s",
        "Type the name of the VM, stackvm, to change it; anything else leaves it as it is [leave]: othervm",
        "Nothing was changed.", "It is done (25 pass, 2 warn",
        "[leave]: stackvm", "Changing the SSH server of stackvm. The same on the command line: trainshed",
        "A new login works: the fix is kept", "PASS: Few tries for each connection", "Choose undo to take it back.",
        "It is done (26 pass, 1 warn, 1 fail, 1 unknown", "FAIL (high): Passwords are refused",
        "This takes back the fix 20261031T090000-00c0ffee.", "  remove: MaxAuthTries 4",
        "The fix is taken back.", "Goodbye",
    )  # fmt: skip
    shut = answered("steps", "2", "check", "fix", "", "stackvm", "quit", scenario=Scenario(locked_out=True))
    in_order(shut.out, "a new login does not work with it", "everything is as it was", "It is done (25 pass", "[again]")
    held = answered("steps", "2", "check", "fix", "", words=("--plain", "--read-only"), scenario=Scenario(fixed=False))
    in_order(held.out, "add: MaxAuthTries 4", "Read-only: nothing is changed.", "Goodbye.")
    right = answered("steps", "2", "check", "fix", "1", "quit", scenario=Scenario(fixed=True))
    in_order(right.out, "RIGHT (low)", "Nothing has to be changed.", "What next?")
    unseen = answered("steps", "2", "undo", "stackvm", "quit", scenario=Scenario())
    assert "The fix is taken back." in unseen.out and "(1 pass)" not in unseen.out


def test_the_password_of_sudo_is_typed_unseen_for_one_fix(ward: Path) -> None:
    terminal = Terminal("tests.cli.program", json.dumps({"sudo": "s3cret"}), "--plain")
    for prompt, answer in (("[connect]: ", "steps"), ("[connect]: ", "2"), ("[check]: ", ""), ("[next]: ", "fix")):
        terminal.expect(prompt)
        terminal.type(answer + "\n")
    terminal.expect("[all]: ")
    terminal.type("1\n")
    terminal.expect("Password of sudo on the VM: ")
    assert not terminal.echoes()
    terminal.type("s3cret\n")
    terminal.expect("[leave]: ")
    terminal.type("stackvm\n")
    terminal.expect("Choose undo to take it back.")
    terminal.type("undo\n")
    terminal.expect("Password of sudo on the VM: ")
    terminal.type("wrong\n")
    terminal.expect("What to do: type the password of sudo")
    assert "s3cret" not in terminal.shown
    terminal.type("\x04")
    terminal.end()


def test_a_host_key_is_asked_for_in_the_pipe_and_a_secret_never_is(answered: Answered) -> None:
    said = answered("", "maybe", "yes", "", scenario=Scenario(host_key="unknown"))
    in_order(said.out, "is not known. It shows this host key", "SHA256:", "maybe", "Is it the same?", "trusted by you")
    assert "+--[" not in said.out, "a randomart says nothing to a reader"
    words = [sys.executable, "-m", "tests.cli.program", json.dumps({"passphrase": "open sesame"}), "--plain"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as program:  # a session of its own: it has no terminal to ask on
        assert program.stdin is not None and program.stdout is not None
        program.stdin.write("\n")
        program.stdin.flush()
        told = ""
        while "The key is encrypted" not in told:
            told += (line := program.stdout.readline())
            assert line, told
        program.stdin.write("open sesame\n")
        program.stdin.close()
        told += program.stdout.read()
    in_order(told, "The key is encrypted", "What to do: ", "[again]")
    assert "connected as" not in told


def test_our_own_signs_are_ascii_and_letters_of_any_language_stay(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(plain=True, together=True)
    output.lines(["3 × 4 … ✓ · Müller", "a → b ≥ 2", "● running"])
    output.note("a – b")
    assert capsys.readouterr().out == "3 x 4 ... yes , Müller\na to b at least 2\n running\na - b\n"


def test_read_only_and_what_does_not_go_together(answered: Answered) -> None:
    said = answered("steps", "3", "stage", "steps", "5", "cancel", words=("--plain", "--read-only"))
    in_order(said.out, "read-only.", "Read-only: this would change something.", "Nothing to cancel")
    for option in ("--json", "--no-input"):
        refused = answered(words=("--plain", option))
        assert refused.code == 2 and f"does not go with {option}" in refused.err


def test_accessible_means_plain(answered: Answered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCESSIBLE", "1")
    script = Path(os.devnull).open()  # noqa: SIM115
    monkeypatch.setattr("sys.stdin", script)
    from tui.settings import Settings

    assert Settings().plain
    monkeypatch.setenv("ACCESSIBLE", "0")
    assert not Settings().plain


def test_ctrl_c_in_a_step_asks_again_and_at_a_question_it_leaves(ward: Path) -> None:
    terminal = Terminal("tests.cli.program", json.dumps({"hold": ["half"], "passphrase": "open sesame"}), "--plain")
    terminal.expect("What next? Its number or word [connect]:")
    terminal.type("\n")
    terminal.expect("Passphrase of ~/.ssh/id_ed25519:")
    assert not terminal.echoes()
    terminal.type("open sesame\n")
    terminal.expect("It is done (connected")
    for answers in (("steps\n", "4\n"), ("1\n", "job.yml\n", "\n"), ("launch\n",), ("next\n",), ("\n",)):
        for answer in answers:
            terminal.type(answer)
    terminal.expect("Following ")
    terminal.expect("log: epoch  20")
    terminal.type("\x03")
    terminal.expect("Stopped. What was started on the VM goes on.")
    terminal.expect("What next?")
    terminal.type("\x03")
    terminal.expect("trainshed: interrupted")
    terminal.expect(f"run {RUN} goes on: trainshed")
    terminal.expect(f"logs {RUN} -f")
    assert terminal.end() == 130
    assert "sesame" not in terminal.shown


def test_a_dumb_terminal_and_a_closed_one(ward: Path) -> None:
    terminal = Terminal("tests.cli.program", "{}", TERM="dumb")
    terminal.expect("What next? Its number or word [connect]:")
    terminal.type("\x04")
    terminal.expect("The input has ended.")
    assert terminal.end() == 0
    terminal = Terminal("tests.cli.program", "{}", "--plain")
    terminal.expect("What next? Its number or word [connect]:")
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.end() == 129
