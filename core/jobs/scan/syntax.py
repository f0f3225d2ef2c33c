"""Parts of Python's syntax: what is inside an expression, what a function takes, what an import binds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from . import calls
from .folding import Ref, Value, canonical


def end(node: ast.AST | None, line: int) -> int:
    """The last line of a simple statement: a compound one has lines of other statements."""
    if node is None or hasattr(node, "body"):
        return line
    return getattr(node, "end_lineno", line) or line


def children(node: ast.expr) -> Iterable[ast.expr]:
    if isinstance(node, ast.Call):
        return [node.func, *node.args, *[each.value for each in node.keywords]]
    if isinstance(node, ast.BinOp):
        return (node.left, node.right)
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return node.elts
    if isinstance(node, ast.Subscript):
        return (node.value, node.slice)
    return _others(node)


def _others(node: ast.expr) -> Iterator[ast.expr]:
    for _, value in ast.iter_fields(node):
        if isinstance(value, ast.expr):
            yield value
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, ast.expr):
                    yield item
                elif isinstance(item, ast.comprehension):
                    yield item.iter
                    yield from item.ifs


def arguments(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> dict[str, ast.expr | None]:
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    return {argument.arg: argument.annotation for argument in every}


def imported(names: dict[str, Value], node: ast.Import | ast.ImportFrom) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            names[alias.asname or alias.name.partition(".")[0]] = canonical(
                alias.name if alias.asname else alias.name.partition(".")[0]
            )
        return
    module = node.module or ""
    if node.level:
        names.update({alias.asname or alias.name: Ref(f"local:{alias.name}") for alias in node.names})
        return
    for alias in node.names:
        if alias.name != "*":
            names[alias.asname or alias.name] = canonical(f"{module}.{alias.name}")
            continue
        start = f"{canonical(module)}."
        known = [name[len(start) :] for name in (*calls.CALLS, *calls.RUNS) if name.startswith(start)]
        names.update({part: Ref(start + part) for part in (re.split(r"[.(]", name, maxsplit=1)[0] for name in known)})
