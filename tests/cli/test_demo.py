"""The embedded site from the command line: real parts, the whole journey, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.data import links
from core.errors import MissingPart
from tests.cli.conftest import Run, start
from tests.cli.terminal import Terminal


@pytest.fixture(scope="module", autouse=True)
def parts() -> None:
    """Skips where the site cannot be started at all."""
    from core.demo import parts

    try:
        parts.sandbox()
        parts.sshd()
        parts.azurite()
    except MissingPart as missing:
        pytest.skip(f"{missing.title}; {missing.hint}")


def left(home: Path) -> list[str]:
    """Command lines of processes that were started for this site."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(home) in words and folder.name != str(os.getpid()):
            found.append(words)
    return found


@pytest.fixture
def clean(home: Path) -> Iterator[Path]:
    """Whatever the test did, the site is down after it, and no process of it is left."""
    yield home
    process = start(["demo", "down"], home)
    process.communicate(timeout=60)
    assert left(home) == []


@pytest.mark.timeout(600)
def test_the_whole_journey_is_walked_and_printed(clean: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journey.jsonl"
    process = start(["demo", "--record", str(journal)], clean)
    out, err = process.communicate(timeout=580)
    assert process.returncode == 0, out[-3000:] + err
    assert "\x1b" not in out and err == ""
    steps = [line for line in out.splitlines() if line.startswith("== ")]
    assert [step.split()[1] for step in steps[1:-1]] == [str(number) for number in range(1, len(steps) - 1)]
    assert steps[-1].startswith("== done: ")
    assert "epoch 20/20" in out and "answer      right" in out
    assert left(clean) == []

    assert journal.stat().st_mode & 0o777 == 0o600
    again = start(["replay", str(journal), "--speed", "0"], clean)
    replayed, err = again.communicate(timeout=60)
    assert (again.returncode, err) == (0, "") and "epoch 20/20" in replayed and "answer      right" in replayed


def test_up_serves_other_commands_and_down_ends_it(clean: Path, program: Run) -> None:
    up = program("demo", "up", "--json")
    assert up.code == 0, up.err
    site = json.loads(up.out)
    assert program("demo", "up").out == site["path"] + "\n"

    refused = program("--site", site["path"], "connect")
    assert refused.code == 3 and "--fingerprint" in refused.err and site["fingerprint"] in refused.err
    assert Path(site["path"]).read_text().count("SHA256") == 0

    wrong = program("--site", site["path"], "connect", "--fingerprint", "SHA256:" + "A" * 43)
    assert wrong.code == 3 and Path(site["path"]).read_text().count("SHA256") == 0

    known = program("--site", site["path"], "connect", "--fingerprint", site["fingerprint"], "--json")
    assert known.code == 0 and json.loads(known.out)["trusted_by"] == "you"
    assert site["fingerprint"] in Path(site["path"]).read_text()
    checked = program("--site", site["path"], "check", "data", "--json")
    assert checked.code == 0 and [row["id"] for row in json.loads(checked.out)["checks"]] == list(links.IDS)

    down = program("demo", "down")
    assert (down.code, down.err) == (0, "stopped the embedded site, and its VM with it\n")
    assert left(clean) == []
    assert program("demo", "down").err == "nothing was running\n"


def test_the_host_key_question_is_asked_before_any_other_command_too(clean: Path, program: Run) -> None:
    site = json.loads(program("demo", "up", "--json").out)
    terminal = Terminal("tui.cli", "--site", site["path"], "data", "list")
    terminal.expect(site["fingerprint"])
    terminal.expect("[SHA256]")
    terminal.expect("Is it the same?")
    terminal.type("yes\n")
    terminal.expect("nothing is staged")
    assert terminal.end() == 0
    assert program("--site", site["path"], "data", "list").code == 0


def test_on_a_terminal_the_demo_is_the_full_screen_and_quitting_ends_the_site(clean: Path) -> None:
    terminal = Terminal("tui.cli", "demo", TERM="xterm-256color")
    terminal.expect("Fingerprint")
    assert left(clean) != []
    terminal.type("\x11")
    assert terminal.end() == 0
    assert left(clean) == []


def test_a_hangup_ends_the_full_screen_and_the_site(clean: Path) -> None:
    terminal = Terminal("tui.cli", "demo", TERM="xterm-256color")
    terminal.expect("Fingerprint")
    os.kill(terminal.process.pid, signal.SIGHUP)
    assert terminal.end() == 129
    assert left(clean) == []


@pytest.mark.parametrize("words", [(), ("demo", "--replay")])
def test_the_full_screen_needs_no_site_and_no_parts(home: Path, words: tuple[str, ...]) -> None:
    terminal = Terminal("tui.cli", *words, TERM="xterm-256color")
    terminal.expect("Connect")
    terminal.expect("Fingerprint")
    terminal.type("\x11")
    assert terminal.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["term", "hangup"])
def test_a_signal_leaves_the_terminal_as_it_was(home: Path, number: int) -> None:
    terminal = Terminal("tui.cli", TERM="xterm-256color")
    terminal.expect("Fingerprint")
    assert not terminal.echoes()
    os.kill(terminal.process.pid, number)
    terminal.expect("trainshed: interrupted")
    assert terminal.echoes()
    assert terminal.end() == 128 + number


def test_the_recorded_journey_is_printed_where_there_is_no_terminal(program: Run) -> None:
    said = program("demo", "--replay")
    assert (said.code, said.err) == (0, "")
    assert "epoch 20/20" in said.out and "answer      right" in said.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
def test_an_interrupted_walk_leaves_nothing(clean: Path, number: int) -> None:
    process = start(["demo"], clean)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("== 3 "):
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, out + err
    assert left(clean) == []


def test_a_reader_that_leaves_ends_the_walk_and_the_site(clean: Path) -> None:
    process = start(["demo"], clean)
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert left(clean) == []


def test_a_site_that_is_in_use_is_not_started_twice(clean: Path, program: Run) -> None:
    first = start(["demo"], clean)
    assert first.stdout is not None
    for line in first.stdout:
        if line.startswith("== 1 "):
            break
    second = program("demo", "down")
    assert second.code == 2 and str(first.pid) in second.err
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)


def test_a_record_that_cannot_be_written_is_named(clean: Path, program: Run) -> None:
    said = program("demo", "--record", "/nowhere/at/all.jsonl")
    assert said.code == 2 and "/nowhere/at/all.jsonl cannot be written" in said.err


def test_what_is_left_is_found(tmp_path: Path) -> None:
    """The search for processes that were left can fail."""
    words = ["sh", "-c", f"echo here; read line # {tmp_path}"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline()
    assert len(left(tmp_path)) == 1
    process.communicate(timeout=10)
    assert left(tmp_path) == []
