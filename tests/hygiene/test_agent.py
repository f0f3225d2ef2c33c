"""The agent runs on Python 3.8 and speaks the client's words."""

from __future__ import annotations

import ast
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from core import errors
from core.agent.serve import OPERATIONS
from tests.hygiene.source import ROOT, called, nodes
from tests.pythons import oldest

AGENT = ROOT / "core" / "agent"


def test_vermin_finds_nothing_newer_than_python_3_8() -> None:
    program = Path(sys.executable).with_name("vermin")
    words = [str(program), "--no-tips", "--target=3.8-", "--violations", str(AGENT)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_module_compiles_and_imports_on_the_oldest_python(tmp_path: Path) -> None:
    shutil.copytree(AGENT, tmp_path / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    names = [path.stem for path in sorted(AGENT.glob("*.py")) if path.stem not in ("__main__", "__init__")]
    script = "import compileall, importlib\nassert compileall.compile_dir('agent', quiet=1)\n"
    script += f"for name in {names!r}:\n    importlib.import_module('agent.' + name)"
    done = subprocess.run(
        [oldest(), "-sSEc", f"import sys; sys.path.insert(0, '.')\n{script}"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_operation_has_its_function() -> None:
    missing = []
    for op, module in OPERATIONS.items():
        name = op.partition(".")[2] or op
        if not callable(getattr(importlib.import_module(f"core.agent.{module}"), name, None)):
            missing.append(op)
    assert missing == []


def codes() -> dict[str, str]:
    """Place -> the first argument of each Fault(…)."""
    found = {}
    for place, node in nodes("core/agent"):
        if called(node) in ("Fault", "faults.Fault") and isinstance(node, ast.Call) and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant):
                found[place] = str(first.value)
    return found


def test_every_fault_is_an_error_that_the_client_knows() -> None:
    known = set(errors._tree(errors.TrainshedError))
    used = codes()
    assert used
    assert {place: code for place, code in used.items() if code not in known} == {}


def test_the_agent_imports_by_relative_names_alone() -> None:
    """It is uploaded as a package called `agent`; `core` is not there."""
    wrong = [
        place
        for place, node in nodes("core/agent")
        if (isinstance(node, ast.ImportFrom) and not node.level and str(node.module).split(".")[0] in ("core", "tui"))
        or (isinstance(node, ast.Import) and any(name.name.split(".")[0] in ("core", "tui") for name in node.names))
    ]
    assert wrong == []
