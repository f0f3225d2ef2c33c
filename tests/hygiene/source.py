"""The project's own source, read as syntax."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def modules(*folders: str) -> list[Path]:
    found = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    assert found, f"nothing to look at in {folders}"
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def _nodes(path: Path) -> list[tuple[str, ast.AST]]:
    name = path.relative_to(ROOT)
    return [(f"{name}:{node.lineno}", node) for node in ast.walk(tree(path)) if hasattr(node, "lineno")]


def nodes(*folders: str) -> Iterator[tuple[str, ast.AST]]:
    """("core/x.py:12", node) of every node below the folders."""
    for path in modules(*folders):
        yield from _nodes(path)


def tracked() -> list[Path]:
    """Files that git knows; where there is no git, all that are not hidden or made."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    return [path for folder in ("core", "tui", "tests") for path in (ROOT / folder).rglob("*") if path.is_file()]


@cache
def called(node: ast.AST) -> str:
    """`a.b.c` for a call of it, else ""."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def keyword(node: ast.AST, name: str) -> ast.expr | None:
    keywords = node.keywords if isinstance(node, ast.Call) else []
    return next((given.value for given in keywords if given.arg == name), None)
