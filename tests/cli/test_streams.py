"""stdout is data, stderr is narration; nothing that came from a VM steers the terminal."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from math import inf, nan
from pathlib import Path

import pytest

from core.events import Event
from core.site.files import Site
from tests.cli.conftest import ROOT, Run
from tests.fakes.script import RUN, Scenario
from tests.fakes.services import fake_services
from tui.cli import call
from tui.output import Output
from tui.settings import Settings
from tui.text import Cleaner, harmless, printable, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Screen = Callable[..., tuple[int, str, str]]


@pytest.fixture
def screen(ward: Path, monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Runs a command line with a terminal on stdout and stderr."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        out, err = Terminal(), Terminal()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        code = call(words, Settings(opener=lambda _site: fake_services(Scenario(epochs=4))))
        return code, out.getvalue(), err.getvalue()

    return run


@pytest.mark.parametrize(
    "words", [("check",), ("run", "job.yml"), ("logs", "@latest", "-f"), ("run", "job.yml", "--json")]
)
def test_no_escape_reaches_a_pipe(words: tuple[str, ...], fake: Run) -> None:
    said = fake(*words)
    assert "\x1b" not in said.out + said.err
    assert "constant" in said.out or words[0] == "check"


def test_a_terminal_gets_colours_and_the_colours_of_a_log_and_no_other_escape(screen: Screen) -> None:
    _, out, _ = screen("check")
    assert "\x1b[31m" in out
    _, out, _ = screen("logs", "@latest", "-f")
    assert "\x1b[33mwarning\x1b[0m" in out
    assert "\x1b]52" not in out and "\x1b[2J" not in out and "aGk=" not in out


@pytest.mark.parametrize("how", ["NO_COLOR", "--plain", "dumb"])
def test_colour_can_be_refused(how: str, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    if how == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    more = ("--plain",) if how == "--plain" else ()
    for words in (("check", *more), ("logs", "@latest", "-f", *more)):
        _, out, _ = screen(*words)
        assert "\x1b" not in out


def test_plain_has_words_and_no_glyphs(fake: Run) -> None:
    said = fake("check", "--plain")
    assert "FAIL" in said.out and said.out.isascii()


def test_progress_is_drawn_on_a_terminal_only(screen: Screen, fake: Run) -> None:
    assert "31 kB" not in fake("data", "stage").err and "Staging  " not in fake("data", "stage").err
    _, _, err = screen("data", "stage")
    assert "Staging" in err and "\r\x1b[K" in err


def test_global_options_work_before_and_after_the_command(fake: Run) -> None:
    before, after = fake("--json", "runs"), fake("runs", "--json")
    assert before.out == after.out and json.loads(before.out)["schema"] == 1


def test_metrics_that_json_has_no_number_for_are_valid_json(fake: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    for value, written in ((nan, "NaN"), (inf, "Infinity"), (-inf, "-Infinity")):
        monkeypatch.setattr("tests.fakes.script.loss", lambda _epoch, value=value: value)
        lines = [json.loads(line, parse_constant=refused) for line in fake("run", "job.yml", "--json").out.splitlines()]
        assert {line["value"] for line in lines if line.get("key") == "loss"} == {written}
        assert lines[-1]["metrics"]["loss"] == written


def test_the_site_option_after_the_command_counts(fake: Run) -> None:
    said = fake("--site", "ward-7", "runs", "--site", "elsewhere")
    assert said.code == 2 and "there is no site 'elsewhere'" in said.err


def test_the_site_can_come_from_the_environment(ward: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def opener(site: Site | None) -> object:
        assert site is not None
        seen.append(site.name)
        return fake_services()

    second = ward.with_name("ward-8.toml")
    second.write_text(ward.read_text().replace('name = "ward-7"', 'name = "ward-8"'))
    monkeypatch.setenv("TRAINSHED_SITE", "ward-8")
    assert call(["runs"], Settings(opener=opener)) == 0  # type: ignore[arg-type]
    assert call(["runs", "--site", "ward-7"], Settings(opener=opener)) == 0  # type: ignore[arg-type]
    assert seen == ["ward-8", "ward-7"]


def test_a_reader_that_leaves_is_no_error(ward: Path) -> None:
    """`trainshed logs @latest -f | head -1`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cli.program", '{"epochs": 4000}', "logs", "@latest", "-f"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == "  12:00:00 preparing\n  12:00:01 running\n"
    assert process.wait(timeout=60) == 141


@pytest.mark.parametrize("words", [("run", "job.yml"), ("rerun", "@latest"), ("logs", "@latest", "-f")])
def test_what_is_followed_is_left_before_the_connection_is(
    ward: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Else the two wait for each other when a reader leaves."""
    order: list[str] = []
    services = fake_services(Scenario(epochs=4000))
    plain_follow, plain_close = services.runs.follow, services.connection.close  # type: ignore[attr-defined]

    async def follow(run: str, *, offset: int = 0) -> AsyncIterator[Event]:
        try:
            async for event in plain_follow(run, offset=offset):
                yield event
        finally:
            order.append("left")

    async def close() -> None:
        order.append("closed")
        await plain_close()

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(services.runs, "follow", follow)
    monkeypatch.setattr(services.connection, "close", close)
    monkeypatch.setattr(sys, "stdout", Gone())
    assert call(words, Settings(opener=lambda _site: services)) == 141
    assert order == ["left", "closed"]


@pytest.mark.parametrize("cut", range(1, 12))
def test_an_escape_that_is_cut_in_two_is_taken_out_too(cut: int) -> None:
    text = "a\x1b]52;c;aG\x07b\x1b[31mc"
    for colours, wanted in ((False, "abc"), (True, "ab\x1b[31mc")):
        cleaner = Cleaner(colours=colours)
        assert cleaner.clean(text[:cut]) + cleaner.clean(text[cut:]) == wanted


def test_an_escape_that_never_ends_does_not_hold_the_log_back() -> None:
    cleaner = Cleaner(colours=False)
    shown = "".join(cleaner.clean(part) for part in ["\x1b]0;", *["x" * 1000 + "\n"] * 10])
    assert "x" * 1000 in shown and "\x1b" not in shown


def test_controls_and_direction_marks_are_taken_out() -> None:
    assert printable("a\x08b\x00\u202ec\x9b2Jd\n e") == "abcd e"
    assert harmless("two  blanks\r\n") == "two  blanks  "


def test_a_table_is_aligned_and_empty_cells_have_a_dash() -> None:
    assert table(("A", "B"), [("long", ""), ("x", "y")]) == ["A     B", "long  -", "x     y"]


def test_narration_does_not_join_an_unfinished_line(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", shared)
    monkeypatch.setattr(sys, "stderr", shared)
    output = Output(plain=True)
    output.log("half a line")
    output.note("narration")
    assert shared.getvalue() == "half a line\nnarration\n"


def test_a_launch_that_is_left_prints_the_id_and_no_log(fake: Run) -> None:
    said = fake("run", "job.yml", "--detach")
    assert said.code == 0 and said.out.strip() == RUN and "constant" not in said.err


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ((), 1),
        (("--state", "completed"), 1),
        (("--state", "failed", "--state", "completed", "--experiment", "demo"), 1),
        (("--state", "lost"), 0),
        (("--experiment", "other"), 0),
    ],
)
def test_runs_are_listed_by_state_and_experiment(words: tuple[str, ...], count: int, fake: Run) -> None:
    said = fake("runs", *words, "--json")
    assert len(json.loads(said.out)["runs"]) == count
    refused = fake("runs", "--state", "lost", "delete", "@latest", "--yes")
    assert refused.code == 2 and "choose what is listed" in refused.err


def test_a_state_that_is_none_is_named(fake: Run) -> None:
    said = fake("runs", "--state", "finished")
    assert said.code == 2 and "'finished' is not one of" in said.err
