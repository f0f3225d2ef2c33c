"""The README's command table is the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from tests.hygiene.source import ROOT
from tui.cli import root

README = ROOT / "README.md"


def promised(text: str) -> set[str]:
    """Commands in the first cells of the table: `trainshed data list\\|stage [PATH]` is two of them."""
    found = set()
    for line in text.splitlines():
        if line.startswith("| `trainshed"):
            cell = re.split(r"(?<!\\)\|", line)[1]
            for span in re.findall(r"`([^`]+)`", cell):
                found |= set(_commands(span.replace("\\|", "|")))
    return found


def _commands(span: str) -> Iterator[str]:
    words = span.removeprefix("trainshed").split()
    path: list[str] = []
    for word in words:
        if not re.fullmatch(r"[a-z]+(\|[a-z]+)*", word):
            break
        path.append(word)
    if not path:
        yield ""
        return
    for last in path[-1].split("|"):
        yield " ".join([*path[:-1], last])


def real(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command that can be run: a group only where it does something by itself."""
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield " ".join(path)
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None
                yield from real(below, (*path, name))


def options(command: click.Command) -> Iterator[str]:
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            yield from (name for name in option.opts if name.startswith("--"))
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None
                yield from options(below)


def test_every_option_is_told() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name in options(root) if not re.search(rf"{name}(?![\w-])", text)] == []


def test_the_table_is_the_command_line() -> None:
    assert promised(README.read_text(encoding="utf-8")) == set(real(root))


@pytest.mark.parametrize(
    ("row", "commands"),
    [
        ("| `trainshed` | the wizard |", {""}),
        ("| `trainshed site add\\|use` | sites |", {"site add", "site use"}),
        ("| `trainshed runs` · `show RUN` · `logs RUN [-f]` | runs; `gone` |", {"runs", "show", "logs"}),
        ("| `trainshed demo [--replay]` · `demo up\\|down` | x |", {"demo", "demo up", "demo down"}),
        ("| `other` | x |", set()),
    ],
)
def test_the_table_is_read_as_it_is_written(row: str, commands: set[str]) -> None:
    assert promised(row) == commands


def test_the_exit_codes_of_the_readme_are_those_of_the_help() -> None:
    from tui.cli import EXIT_CODES

    said = re.findall(r"\b(\d+) [a-z]", EXIT_CODES)
    text = " ".join(README.read_text(encoding="utf-8").split())
    named = text.partition("Exit codes: ")[2].partition(".")[0]
    assert said and said == re.findall(r"\b(\d+) [a-z]", named)
