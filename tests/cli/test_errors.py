"""Two lines and an exit code: for every error, and with no traceback."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core import errors, events, threads
from tests.cli.conftest import ROOT, Run, start
from tests.fakes.script import Scenario
from tests.fakes.services import fake_services
from tui import failures
from tui.cli import call
from tui.settings import Settings


def kinds(root: type[errors.TrainshedError]) -> list[type[errors.TrainshedError]]:
    return [root, *(found for child in root.__subclasses__() for found in kinds(child))]


@pytest.mark.parametrize("kind", kinds(errors.TrainshedError), ids=lambda kind: str(kind.__name__))
def test_every_error_is_two_lines_and_its_exit_code(
    kind: type[errors.TrainshedError], capsys: pytest.CaptureFixture[str]
) -> None:
    assert failures.told(kind("it broke", hint="mend it"), Settings()) == kind.exit_code
    assert capsys.readouterr() == ("", "trainshed: it broke\n  mend it\n")
    failures.told(kind("it broke", hint="mend it"), Settings(json=True))
    said = json.loads(capsys.readouterr().out)
    assert said == {"schema": 1, "error": {"code": kind.code, "title": "it broke", "hint": "mend it"}}


@pytest.mark.parametrize(
    ("scenario", "words", "code"),
    [
        (Scenario(), ("check",), 1),
        (Scenario(), ("check", "--fail-on", "critical"), 0),
        (Scenario(), ("check", "--fail-on", "critical", "--fail-on-unknown"), 1),
        (Scenario(), ("run", "job.yml"), 0),
        (Scenario(run_fails=True), ("run", "job.yml"), 1),
        (Scenario(run_fails=True), ("run", "job.yml", "--detach"), 0),
        (Scenario(run_fails=True), ("logs", "@latest", "-f"), 0),
        (Scenario(build_fails=True), ("run", "job.yml"), 1),
        (Scenario(unreachable=True), ("connect",), 3),
        (Scenario(host_key="changed"), ("connect",), 3),
        (Scenario(broken_link="data.tls"), ("data", "stage"), 3),
        (Scenario(service_fails=True), ("deploy", "breast-cancer"), 1),
        (Scenario(), ("invoke", "breast-cancer", "--row", "200"), 1),
        (Scenario(no_runs=True), ("show", "@latest"), 2),
        (Scenario(), ("logs", "01JNONE", "-f"), 2),
        (Scenario(), ("models", "show", "nothing"), 2),
        (Scenario(), ("run", "job.txt"), 2),
        (Scenario(), ("nonsense",), 2),
        (Scenario(), (), 2),
    ],
)
def test_exit_codes(fake: Run, scenario: Scenario, words: tuple[str, ...], code: int) -> None:
    said = fake(*words, scenario=scenario)
    assert said.code == code, said
    assert "Traceback" not in said.err


CHANGING = [
    ("data", "stage"),
    ("run", "job.yml"),
    ("cancel", "@latest"),
    ("models", "register", "@latest"),
    ("models", "package", "m"),
    ("deploy", "m"),
    ("undeploy", "m"),
    ("connect", "azureuser@198.51.100.7"),
    ("site", "add", "x.toml"),
    ("site", "use", "ward-7"),
    ("site", "remove", "ward-7"),
    ("demo",),
    ("demo", "--headless"),
    ("demo", "up"),
    ("demo", "down"),
]


@pytest.mark.parametrize("words", CHANGING, ids=" ".join)
def test_read_only_refuses_what_changes_something(words: tuple[str, ...], ward: Path, capsys: Any) -> None:
    services: Any = None  # an operation that is begun all the same fails the test
    code = call(["--read-only", *words], Settings(opener=lambda _site: services))
    assert code == 2 and "--read-only" in capsys.readouterr().err
    assert ward.exists()


def test_read_only_leaves_what_only_looks(fake: Run) -> None:
    for words in (("check", "--fail-on", "critical"), ("runs",), ("run", "job.yml", "--dry-run"), ("site", "list")):
        assert fake("--read-only", *words).code == 0


def test_an_unforeseen_error_is_a_report_for_its_owner_alone(
    ward: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_site: object) -> Any:
        raise ZeroDivisionError("https://account/?sig=abcdefghijkl password=hunter22")

    assert call(["runs"], Settings(opener=broken)) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 2 and "Traceback" not in err and "hunter22" not in err
    path = Path(err.rpartition(" is in ")[2].strip())
    assert path.is_relative_to(home) and stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "ZeroDivisionError" in text and "test_errors.py" in text
    assert "hunter22" not in text and "abcdefghijkl" not in text


def test_an_unforeseen_error_is_raised_for_its_author(ward: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_site: object) -> Any:
        raise ZeroDivisionError

    monkeypatch.setenv("TRAINSHED_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        call(["runs"], Settings(opener=broken))


BLOCKED = """
import sys, threading
from core import events, threads
from tests.fakes.services import fake_services
from tests.fakes.script import Scenario
from tui.cli import call
from tui.failures import leave
from tui.settings import Settings
from dataclasses import replace

class Blocked:
    async def list(self):
        yield events.Phase(step="watch", title="about to block")
        await threads.call(threading.Event().wait)

leave(call(["runs"], Settings(opener=lambda site: replace(fake_services(Scenario()), runs=Blocked()))))
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_the_first_signal_ends_it_even_in_a_blocking_call(ward: Path, number: int, code: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", BLOCKED], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline() == "about to block\n"
    os.kill(process.pid, number)
    assert process.wait(timeout=30) == code
    assert process.stderr.read() == "trainshed: interrupted\n"


def test_cancelling_reaches_the_operation(ward: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What an operation cleans up when it is closed is cleaned up before the program ends."""
    order: list[str] = []

    class Runs:
        async def list(self) -> AsyncIterator[events.Event]:
            try:
                yield events.Phase(step="watch", title="begun")
                os.kill(os.getpid(), signal.SIGINT)
                await threads.call(signal.pause)
            finally:
                order.append("cleaned up")

    services: Any = fake_services()
    object.__setattr__(services, "runs", Runs())
    assert call(["runs"], Settings(opener=lambda _site: services)) == 130
    assert order == ["cleaned up"] and services.connection.closed


def test_an_argument_error_is_json_too(fake: Run) -> None:
    said = fake("check", "--fail-on", "terrible", "--json")
    assert said.code == 2
    assert json.loads(said.out)["error"]["code"] == "usage"


def test_the_terminal_cannot_be_steered_by_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    failures.told(errors.RunError("gone\x1b]0;title\x07\nsecond line", hint="a\x1b[2Jb"), Settings())
    assert capsys.readouterr().err == "trainshed: gone second line\n  ab\n"


def test_the_real_program_says_what_is_wrong_without_a_site(home: Path) -> None:
    process = start(["runs"], home)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert (
        err == "trainshed: no site is known yet\n  trainshed connect USER@HOST writes one; trainshed demo shows one\n"
    )
