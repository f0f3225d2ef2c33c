"""What each expression of a file refers to: names followed through imports, aliases, getattr and texts put together."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable
from typing import Any

from . import folding, giving
from .flows import each, is_encoded, is_records
from .folding import LONGEST_NAME, MOST, UNKNOWN, Partial, Ref, Value, added, canonical, is_text, known

_BUILTINS = frozenset(dir(builtins))
MANY_NAMES = 600  # what a program made may have: then scopes are not kept apart, so that time stays in proportion
_MODULES = ("sys.modules", "builtins.globals()", "builtins.locals()", "builtins.vars()")


class Meaning:
    """`names`: of one scope, and of those around it as they were; a dotted `self.x` is one too."""

    def __init__(self, names: dict[str, Value], returns: dict[str, Value]) -> None:
        self.names = names
        self.returns = returns  # of functions of this file, by name
        self._seen: dict[int, Value] = {}

    def forget(self) -> None:
        """A new statement: names may mean something else."""
        self._seen.clear()

    def inner(self) -> Meaning:
        return Meaning(dict(self.names) if len(self.names) < MANY_NAMES else self.names, self.returns)

    def of(self, node: ast.expr | None) -> Value:
        if node is None:
            return None
        kind = type(node)
        if kind is ast.Constant:
            return node.value if isinstance(node.value, (str, bytes, int, float)) else None  # type: ignore[attr-defined]
        if kind is ast.Name:
            return self.name(node)  # type: ignore[arg-type]
        key = id(node)
        if key in self._seen:
            return self._seen[key]
        judge = _JUDGES.get(kind)
        value = judge(self, node) if judge is not None else None
        self._seen[key] = value
        return value

    def name(self, node: ast.Name) -> Value:
        if node.id in self.names:
            return self.names[node.id]
        if node.id == "__builtins__":
            return Ref("builtins")
        return Ref(f"builtins.{node.id}") if node.id in _BUILTINS or node.id == "display" else Ref(f"?{node.id}")

    def attribute(self, node: ast.Attribute) -> Value:
        if isinstance(node.value, ast.Name):
            stored = self.names.get(f"{node.value.id}.{node.attr}")
            if stored is not None:
                return stored
        base = self.of(node.value)
        if isinstance(base, Ref):
            if base.startswith("local:") and "()" in base:
                return self.returns.get(f"{base[6:].partition('(')[0]}.{node.attr}", Ref(f"?.{node.attr}"))
            return canonical(f"{base}.{node.attr}")
        if is_text(base) and node.attr in ("parent", "name", "stem"):
            return Partial(f"{base}/{UNKNOWN}") if node.attr == "parent" else Partial(UNKNOWN)
        return Ref(f"?.{node.attr}")

    def call(self, node: ast.Call) -> Value:
        function = node.func
        if isinstance(function, ast.Attribute):
            base = self.of(function.value)
            if base is not None and not isinstance(base, Ref):
                return self._method(base, function.attr, node)
        name = self.of(function)
        if not isinstance(name, Ref):
            return None
        if giving.by_name_alone(name):
            return Ref(f"{name}()"[:LONGEST_NAME])
        return giving.result(self, name, [self.of(item) for item in node.args[:50]], node)

    def _method(self, base: Value, name: str, node: ast.Call) -> Value:
        given = [self.of(item) for item in node.args[:50]]
        if is_text(base) and name in ("joinpath", "with_name", "with_suffix"):
            return folding.path([base, *given])
        if is_text(base) and name in ("resolve", "absolute", "expanduser", "as_posix", "__str__"):
            return base
        try:
            return folding.method(base, name, given)
        except (ValueError, TypeError, LookupError, OverflowError, AttributeError):
            return None

    def subscript(self, node: ast.Subscript) -> Value:
        base = self.of(node.value)
        if not isinstance(base, Ref):
            return folding.sliced(base, node.slice, self.of)
        place = self.of(node.slice)
        if is_text(place) and not isinstance(place, Partial):
            if base in _MODULES:
                return canonical("builtins" if place == "__builtins__" else str(place))
            if base == "builtins":
                return Ref(f"builtins.{place}")
            if base.endswith(".__dict__"):
                return canonical(f"{base[:-9]}.{place}")
            if base == "os.environ":
                return giving.variable(str(place))
        elif base.endswith(".__dict__") or base == "builtins":
            return Ref(f"{base}[?]")
        return Ref(f"{base}[]"[:LONGEST_NAME])

    def operation(self, node: ast.BinOp) -> Value:
        left, right = self.of(node.left), self.of(node.right)
        if isinstance(node.op, ast.Add):
            for value in (left, right):
                if is_records(value) or is_encoded(value):
                    return value
            return added(left, right)
        if isinstance(node.op, ast.Div):
            return folding.path([left, right]) if is_text(left) else None
        if isinstance(node.op, ast.Mod) and is_text(left):
            return folding.filled(str(left), right)
        if isinstance(node.op, ast.Mult) and is_text(left) and isinstance(right, int) and len(left) * right <= MOST:
            return left * right
        if isinstance(node.op, (ast.BitXor, ast.Sub)) and isinstance(left, int) and isinstance(right, int):
            return left ^ right if isinstance(node.op, ast.BitXor) else left - right
        return None

    def joined(self, node: ast.JoinedStr) -> Value:
        parts = [self.of(part.value if isinstance(part, ast.FormattedValue) else part) for part in node.values]
        for value in parts:
            if is_records(value) or is_encoded(value):
                return value
        made = "".join(map(folding.text_of, parts))[:MOST]
        return Partial(made) if UNKNOWN in made else made

    def sequence(self, node: ast.Tuple | ast.List | ast.Set) -> Value:
        return tuple(self.of(item) for item in node.elts[:MOST])

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Value:
        """Worked out where its items are constants: `"".join(chr(c) for c in [114, 109])`."""
        loop = node.generators[0]
        items = self.of(loop.iter)
        if len(node.generators) > 1 or loop.ifs or not isinstance(items, (tuple, str, bytes)) or len(items) > 4096:
            return None
        made, inside = [], self.inner()
        for item in items:
            inside.forget()
            bind(inside.names, loop.target, item)
            made.append(inside.of(node.elt))
            if not known(made[-1]):
                return None
        return tuple(made)

    def either(self, values: Iterable[ast.expr]) -> Value:
        found = [self.of(value) for value in values]
        return next((value for value in found if value is not None and not str(value).startswith("?")), None)

    def named(self, node: ast.NamedExpr) -> Value:
        value = self.of(node.value)
        bind(self.names, node.target, value)
        return value


_JUDGES: dict[type[ast.expr], Callable[[Any, Any], Value]] = {
    ast.Name: Meaning.name,
    ast.Attribute: Meaning.attribute,
    ast.Call: Meaning.call,
    ast.Subscript: Meaning.subscript,
    ast.BinOp: Meaning.operation,
    ast.JoinedStr: Meaning.joined,
    ast.Tuple: Meaning.sequence,
    ast.List: Meaning.sequence,
    ast.Set: Meaning.sequence,
    ast.ListComp: Meaning.comprehension,
    ast.GeneratorExp: Meaning.comprehension,
    ast.NamedExpr: Meaning.named,
    ast.IfExp: lambda self, node: self.either((node.body, node.orelse)),
    ast.BoolOp: lambda self, node: self.either(node.values),
    ast.Await: lambda self, node: self.of(node.value),
    ast.Starred: lambda self, node: self.of(node.value),
    ast.UnaryOp: lambda self, node: _negative(self.of(node.operand)) if isinstance(node.op, ast.USub) else None,
}


def _negative(value: Value) -> Value:
    return -value if isinstance(value, (int, float)) else None


def bind(names: dict[str, Value], target: ast.expr, value: Value) -> None:
    """An assignment; what is unpacked of a name is an item of it."""
    if isinstance(target, ast.Name):
        names[target.id] = value if value is not None else Ref(f"?{target.id}")
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        names[f"{target.value.id}.{target.attr}"] = value
    elif isinstance(target, (ast.Tuple, ast.List)):
        for number, part in enumerate(target.elts):
            bind(names, part, _item(value, number))
    elif isinstance(target, ast.Starred):
        bind(names, target.value, value)


def looped(meaning: Meaning, target: ast.expr, over: ast.expr) -> None:
    """What a loop binds; the number that `enumerate` gives is no record."""
    bind(meaning.names, target, each(meaning.of(over)))
    counted = isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "enumerate"
    if counted and isinstance(target, ast.Tuple) and target.elts:
        bind(meaning.names, target.elts[0], None)


def _item(value: Value, number: int) -> Value:
    if isinstance(value, tuple):
        return value[number] if number < len(value) else None
    return Ref(f"{value}[]"[:LONGEST_NAME]) if isinstance(value, Ref) else None
