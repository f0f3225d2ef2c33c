"""Records that are printed, logged or stored with a model."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .call import Call, Said, brief
from .flows import is_encoded, is_records
from .folding import Ref, Value
from .found import shown
from .meaning import Meaning

_MODEL = re.compile(
    r"model|clf|classifier|regressor|pipe(?:line)?|estimator|net|booster|learner", re.IGNORECASE
)  # fmt: skip
_STREAMS = ("sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__")
DEEPEST = 5  # displays in displays


def printed(call: Call, rule: str = "prints-records") -> Iterator[Said]:
    for item in [*call.node.args, *(keyword.value for keyword in call.node.keywords)]:
        for value in _parts(call.meaning, item):
            if is_records(value):
                yield rule, shown(f"{brief(call.name)} of {brief(value)}")
                return
            if is_encoded(value):
                yield "encoded-output", shown(f"{brief(call.name)} of {brief(value)}")
                return


def tracked(call: Call, read: set[str]) -> Iterator[Said]:
    """`read`: the paths that records were read from, as they are written (`ast.dump`)."""
    yield from printed(call, "tracks-records")
    if call.name.startswith("mlflow.log_artifact") and call.node.args and ast.dump(call.node.args[0]) in read:
        yield "tracks-records", f"{brief(call.name)} of the file that was read"


def pickled(call: Call) -> Iterator[Said]:
    for item in call.node.args[:1]:
        for value in _parts(call.meaning, item):
            if is_records(value):
                yield "stores-records", shown(f"{brief(call.name)} of {brief(value)}")
                return


def raised(meaning: Meaning, node: ast.expr) -> Iterator[Said]:
    """`raise X(…)`: a traceback is in the log."""
    if isinstance(node, ast.Call):
        yield from printed(Call(meaning, node, Ref("raise")))


def streamed(call: Call) -> Iterator[Said]:
    """`df.to_csv(sys.stdout)`."""
    to = call.first if call.given else call.named.get("path_or_buf")
    if isinstance(to, Ref) and to in _STREAMS and is_records(Ref(call.name)):
        yield "prints-records", shown(f"{brief(call.name)} to {to}")


def asserted(meaning: Meaning, message: ast.expr) -> Iterator[Said]:
    """`assert x, message`: the same."""
    yield from printed(Call(meaning, ast.Call(ast.Name("assert"), [message], []), Ref("assert")))


def stored(target: ast.expr, value: Value) -> Iterator[Said]:
    """`model.x = …`."""
    attribute = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
    if attribute and is_records(value) and _MODEL.search(target.value.id):  # type: ignore[attr-defined]
        yield "stores-records", shown(f"{ast.unparse(target)} = {brief(value)}")


def _parts(meaning: Meaning, node: ast.expr, depth: int = 0) -> Iterator[Value]:
    """What is in an argument: itself, or what a display, a text or a sum is made of."""
    yield meaning.of(node)
    if depth > DEEPEST:
        return
    for part in _inner(node):
        yield from _parts(meaning, part, depth + 1)


def _inner(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return node.elts
    if isinstance(node, ast.Dict):
        return node.values
    if isinstance(node, ast.JoinedStr):
        return [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.Starred):
        return [node.value]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join"):
        return node.args
    return []
