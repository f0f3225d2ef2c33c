"""What each command prints, kept in golden/: `UPDATE_GOLDEN=1 pytest tests/cli` writes it anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import pytest

from tests.cli.conftest import Run
from tests.fakes.script import Scenario
from tui.cli import root

GOLDEN = Path(__file__).parent / "golden"

COMMANDS = {
    "connect": ("connect",),
    "check": ("check",),
    "check-data": ("check", "data"),
    "fix": ("fix", "ssh.auth-tries", "--yes"),
    "fix-dry": ("fix", "--dry-run"),
    "fix-undo": ("fix", "--undo", "--yes"),
    "data-list": ("data", "list"),
    "data-stage": ("data", "stage", "samples/"),
    "data-evict-dry": ("data", "evict", "--keep", "1", "--dry-run"),
    "data-evict": ("data", "evict", "patients/", "--yes"),
    "data-purge": ("data", "purge", "--all", "--yes"),
    "data-receipts": ("data", "receipts"),
    "environments-list": ("environments", "list"),
    "environments-build": ("environments", "build", "job.yml"),
    "environments-prune": ("environments", "prune"),
    "run": ("run", "job.yml"),
    "run-dry": ("run", "job.yml", "--dry-run"),
    "runs": ("runs",),
    "runs-compare": ("runs", "compare", "01JDEMA000000", "01JDEMA000001"),
    "runs-differences": ("runs", "compare", "01JDEMA000000", "01JDEMA000001", "--only-differences"),
    "show": ("show", "@latest"),
    "logs": ("logs", "@latest", "-f"),
    "metrics": ("metrics", "@latest"),
    "metrics-csv": ("metrics", "@latest", "--csv", "--key", "lo*"),
    "cancel": ("cancel", "@latest"),
    "rerun-dry": ("rerun", "@latest", "--set", "inputs.lr=0.2", "--resume", "--dry-run"),
    "rerun": ("rerun", "@latest", "--set", "inputs.lr=0.2"),
    "download": ("download", "@latest"),
    "runs-delete": ("runs", "delete", "@latest", "--yes"),
    "models-list": ("models", "list"),
    "models-show": ("models", "show", "breast-cancer"),
    "models-register": ("models", "register", "@latest"),
    "models-package": ("models", "package", "breast-cancer:1"),
    "deploy": ("deploy", "breast-cancer:1"),
    "services": ("services",),
    "invoke": ("invoke", "breast-cancer", "--row", "17"),
    "undeploy": ("undeploy", "breast-cancer"),
}
NO_JSON = {
    "check-nagios": ("check", "--format", "nagios"),
    "check-prometheus": ("check", "data", "--format", "prometheus"),
    "check-junit": ("check", "data", "--format", "junit"),
}
STREAMS = {"metrics", "metrics-csv", "run", "rerun", "run-dry", "rerun-dry", "logs"}


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def short(name: str = "") -> Scenario:
    return Scenario(epochs=4, log_lines=2, earlier=2 if name.startswith("runs-") and name != "runs-delete" else 0)


@pytest.mark.parametrize("name", [*COMMANDS, *NO_JSON])
def test_text_is_as_recorded(name: str, fake: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.jobs.ulid.new", lambda: "01JDEMO8Z4V7Q2M5K9X3T6W1RB")
    said = fake(*{**COMMANDS, **NO_JSON}[name], scenario=short(name))
    compare(f"{name}.txt", f"{said.out}--- stderr\n{said.err}--- exit {said.code}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_json_is_as_recorded(name: str, fake: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.jobs.ulid.new", lambda: "01JDEMO8Z4V7Q2M5K9X3T6W1RB")
    said = fake(*COMMANDS[name], "--json", scenario=short(name))
    values = [json.loads(line) for line in said.out.splitlines()]
    assert values and all(value["schema"] == 1 for value in values)
    assert name in STREAMS or len(values) == 1
    compare(f"{name}.json", "".join(json.dumps(value, indent=1, ensure_ascii=False) + "\n" for value in values))


def helps(
    command: click.Command, path: tuple[str, ...] = (), parent: click.Context | None = None
) -> list[tuple[tuple[str, ...], str]]:
    """(words, help) of the command and of every command below it."""
    name = path[-1] if path else "trainshed"
    settings = command.context_settings
    with click.Context(command, parent, name, terminal_width=100, max_content_width=100, **settings) as context:
        found = [(path, command.get_help(context))]
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None
                found += helps(below, (*path, name), context)
    return found


def test_help_is_as_recorded() -> None:
    compare("help.txt", "".join(f"$ trainshed {' '.join(path)}\n{text}\n\n" for path, text in helps(root)))


def test_every_entry_of_the_table_leads_to_its_command() -> None:
    from tui.cli import COMMANDS as TABLE

    with click.Context(root) as context:
        for name, (_, _, line) in TABLE.items():
            command = root.get_command(context, name)
            assert command is not None and command.name == name
            assert line.endswith(".") and len(line) <= 60
