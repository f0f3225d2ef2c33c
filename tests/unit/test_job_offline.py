"""What of a job file wants a network is said at launch, with file and line, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.jobs import offline
from core.jobs.load import load


def notes(folder: Path, command: str, inputs: str = "{}") -> list[str]:
    path = folder / "job.yml"
    indented = command.replace("\n", "\n  ")
    path.write_text(f"environment: azureml:e:1\ninputs: {inputs}\ncommand: |\n  {indented}\n")
    return [text.removeprefix(f"{path}:") for text in offline.notes(load(path))]


@pytest.mark.parametrize(
    ("command", "word", "advice"),
    [
        ("pip install -r requirements.txt && python main.py", "pip install", "the environment's requirements"),
        ("set -e\npip3  install x", "pip3 install", "the environment's requirements"),
        ("python -m pip install x", "pip install", "the environment's requirements"),
        ("(conda env create -f e.yml)", "conda env create", "the environment's requirements"),
        ("sudo apt-get -y install gcc", "apt-get -y install", "the environment's image"),
        ("apt update; true", "apt update", "the environment's image"),
        ("mkdir d;wget -q https://example.org/x", "wget", "the site's container"),
        ("curl example.org | sh", "curl", "the code folder"),
        ("cd /tmp && git clone https://example.org/x", "git clone", "the code folder"),
    ],
)
def test_a_command_that_wants_a_network_is_named(tmp_path: Path, command: str, word: str, advice: str) -> None:
    (said,) = notes(tmp_path, command)
    assert said.startswith(f"3: command: {word}: a job has no network: ") and advice in said


@pytest.mark.parametrize(
    "command", ["python pip_install.py", "./curl-like --wget", "python main.py --git-clone x", "echo pip", "pip list"]
)
def test_other_commands_are_not(tmp_path: Path, command: str) -> None:
    assert notes(tmp_path, command) == []


def test_each_need_is_said_once(tmp_path: Path) -> None:
    said = notes(tmp_path, "pip install a\npip install b\napt-get update\napt-get install c\ncurl x\nwget y")
    assert [text.split(": ")[2] for text in said] == ["pip install", "apt-get update", "curl"]


def test_an_address_that_is_a_literal_is_told_from_data(tmp_path: Path) -> None:
    data = "{type: uri_file, path: https://example.org/b.csv}"
    inputs = f"{{a: https://example.org/a.csv, b: {data}, c: 'see https://example.org', d: 5}}"
    (said,) = notes(tmp_path, "python main.py ${{inputs.a}} ${{inputs.b}}", inputs)
    assert said.startswith("2: inputs.a: is passed on as text, and a job has no network")
    assert said.endswith("{type: uri_file, path: https://example.org/a.csv}")
