"""What is imported, and when: start-up stays quick, and each library stays where it belongs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.hygiene.source import ROOT
from tui.cli import COMMANDS

HEAVY = {
    "azure", "mlflow", "paramiko", "textual", "rich", "yaml", "msgspec", "numpy", "cryptography",
    "keyring", "sqlalchemy", "platformdirs", "tomlkit", "asyncio",
}  # fmt: skip


def imported(script: str, *words: str) -> set[str]:
    """Top-level modules (and our own, whole) that are there after the script."""
    report = (
        "\nprint(' '.join(sorted({m if m.split('.')[0] in ('core', 'tui') else m.split('.')[0] for m in s.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys as s\n{script}{report}", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


HELP = "from tui.cli import call\nassert call(s.argv[1:]) == 0"


def test_help_imports_click_and_hardly_anything_of_ours() -> None:
    found = imported(HELP, "--help")
    assert not found & HEAVY
    ours = {name for name in found if name.split(".")[0] in ("core", "tui")}
    assert ours == {"tui", "tui.cli", "tui.options", "tui.settings"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_is_as_light(name: str) -> None:
    found = imported(HELP, name, "--help")
    assert not found & HEAVY
    assert "core.events" not in found


def test_the_first_paint_loads_no_step_and_nothing_that_a_report_or_a_dialogue_needs() -> None:
    found = imported("import tui.app, tui.commands.start")
    ours = {name for name in found if name.startswith(("tui.", "core."))}
    assert not {name for name in ours if name.startswith("tui.screens.")}
    assert {name for name in ours if name.startswith("tui.widgets.")} == {"tui.widgets.rail", "tui.widgets.key_line"}
    assert not ours & {"tui.report", "tui.journeys", "tui.preferences.file", "tui.preferences.keys", "core.site.files"}
    assert not found & {"textual_plot", "numpy", "tomlkit", "yaml"}


def test_the_services_know_no_screen() -> None:
    found = imported("import core.services, core.events, core.journal, core.site.files")
    assert not found & {"textual", "rich", "click", "tui", "paramiko", "azure", "mlflow", "yaml", "numpy"}


def test_a_site_can_be_opened_without_what_its_steps_need_later() -> None:
    found = imported("import core.live")
    assert not found & {"textual", "rich", "click", "paramiko", "azure", "mlflow", "yaml", "numpy", "keyring"}


def test_a_command_of_the_command_line_needs_no_screen() -> None:
    script = (
        "from tests.fakes.services import fake_services\nfrom tui.cli import call\nfrom tui.settings import Settings\n"
        "import core.site.files as files\nfiles.find = lambda name: None\n"
        "assert call(['check', '--fail-on', 'critical'], Settings(opener=lambda site: fake_services())) == 0"
    )
    assert not imported(script) & {"textual", "rich"}


def test_the_agent_needs_the_standard_library_alone(tmp_path: Path) -> None:
    """Its folder alone, an interpreter that sees no other packages, every module imported."""
    shutil.copytree(ROOT / "core" / "agent", tmp_path / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    names = [
        path.stem for path in sorted((tmp_path / "agent").glob("*.py")) if path.stem not in ("__main__", "__init__")
    ]
    script = (
        "import importlib, sys\nsys.path.insert(0, '.')\n"
        f"for name in {names!r}:\n    importlib.import_module('agent.' + name)\n"
        "print(' '.join(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-sSEc", script], cwd=tmp_path, capture_output=True, text=True, check=False, env=_bare()
    )
    assert done.returncode == 0, done.stderr
    foreign = {name for name in done.stdout.split() if name not in sys.stdlib_module_names and not name.startswith("_")}
    assert foreign <= {"agent"}


def _bare() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}


ALLOWED = {  # what the other modules of core may not do, by a word of the contract's name
    "agent": {"core.agent"},
    "paramiko": {"core.ssh"},
    "azure": {"core.data", "core.workspace"},
    "mlflow": {"core.workspace", "core.models"},
}


@pytest.mark.parametrize("word", ALLOWED)
def test_each_contract_names_every_module_of_core(word: str) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    contract = next(each for each in contracts if word in each["name"].split())
    named = set(contract["forbidden_modules" if word == "agent" else "source_modules"])
    core = {
        f"core.{path.stem}"
        for path in (ROOT / "core").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert named == {*core, "tui"} - {"core.__init__"} - ALLOWED[word]


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
