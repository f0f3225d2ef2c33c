"""What a call gives, where that can be told: a module by its name, a path, a text, records that are passed on."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from . import calls
from .flows import is_encoded, is_records
from .folding import FUNCTIONS, LONGEST_NAME, Partial, Ref, Value, called, canonical, is_text, known, path

if TYPE_CHECKING:
    from .meaning import Meaning

TEMPORARY = "/tmp"  # noqa: S108 (what the job means)


def result(meaning: Meaning, name: Ref, given: list[Value], node: ast.Call) -> Value:
    """`name`: of what is called."""
    giver = _GIVERS.get(name)
    if giver is not None:
        value = giver(meaning, given, node)
        if value is not None:
            return value
    elif name.startswith("local:"):
        return meaning.returns.get(name[6:], Ref(f"{name}()"))
    elif name.startswith("attrgetter:") and given and isinstance(given[0], Ref):
        return canonical(f"{given[0]}.{name[11:]}")
    elif name.endswith(_ENDS) and given and is_text(given[-1]) and known(given[-1]):
        return canonical(f"{name.rpartition('.')[0]}.{given[-1]}")
    made = called(name, given)
    if made is None and name in calls.PASSED_ON:
        made = _passed_on(given)
    return made if made is not None else Ref(f"{name}()"[:LONGEST_NAME])


def by_name_alone(name: Ref) -> bool:
    """Whether its arguments change nothing: so it is for most calls."""
    return name not in _DEPENDS and not name.startswith(_STARTS) and not name.endswith(_ENDS)


def variable(name: str, otherwise: Value = None) -> Value:
    """Of the environment."""
    if name in ("HOME", "USERPROFILE"):
        return "~"
    if name in ("TMPDIR", "TMP", "TEMP"):
        return TEMPORARY
    return otherwise if is_text(otherwise) else None


def _passed_on(given: list[Value]) -> Value:
    every: list[Value] = []
    for value in given:
        every += value if isinstance(value, tuple) else [value]
    return next((value for value in every if is_records(value) or is_encoded(value)), None)


def _imported(_meaning: Meaning, given: list[Value], _node: ast.Call) -> Value:
    wanted = given[0] if given else None
    if not is_text(wanted) or isinstance(wanted, Partial):
        return Ref("?imported")
    return canonical(str(wanted))


def _top_imported(meaning: Meaning, given: list[Value], node: ast.Call) -> Value:
    """`__import__("a.b")` is a, unless it is told what is wanted of b."""
    value = _imported(meaning, given, node)
    return value if len(node.args) > 3 or node.keywords else Ref(value.partition(".")[0])


def _attribute(_meaning: Meaning, given: list[Value], _node: ast.Call) -> Value:
    if len(given) < 2 or given[0] is None:
        return None
    base = given[0] if isinstance(given[0], Ref) else "?"
    return canonical(f"{base}.{given[1]}") if known(given[1]) and is_text(given[1]) else Ref("?.getattr")


def _names(_meaning: Meaning, given: list[Value], _node: ast.Call) -> Value:
    return Ref(f"{given[0]}.__dict__") if given and isinstance(given[0], Ref) else None


def _path(_meaning: Meaning, given: list[Value], _node: ast.Call) -> Value:
    return path(given) if given and is_text(given[0]) else None


def _joined_path(_meaning: Meaning, given: list[Value], _node: ast.Call) -> Value:
    return path(given) if given else None


def _first(_meaning: Meaning, given: list[Value], _node: ast.Call) -> Value:
    return given[0] if given else None


def _function(_meaning: Meaning, given: list[Value], _node: ast.Call) -> Value:
    return given[0] if given and isinstance(given[0], Ref) else None


def _getter(_meaning: Meaning, given: list[Value], _node: ast.Call) -> Value:
    return Ref(f"attrgetter:{given[0]}") if given and is_text(given[0]) else None


def _variable(_meaning: Meaning, given: list[Value], _node: ast.Call) -> Value:
    return variable(str(given[0]), given[1] if len(given) > 1 else None) if given else None


def _socket(meaning: Meaning, given: list[Value], node: ast.Call) -> Value:
    named = [meaning.of(keyword.value) for keyword in node.keywords]
    kinds = {str(value).rpartition(".")[2].lstrip("?") for value in [*given, *named] if isinstance(value, Ref)}
    return Ref("socket.socket(unix)" if "AF_UNIX" in kinds else "socket.socket()")


Giver = Callable[["Meaning", list[Value], ast.Call], Value]
_GIVERS: Mapping[str, Giver] = {
    **dict.fromkeys(("builtins.__import__", "importlib.__import__"), _top_imported),
    **dict.fromkeys(("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "upath.UPath", "os.fspath"), _path),
    **dict.fromkeys(
        (f"os.path.{name}" for name in ("expanduser", "abspath", "realpath", "normpath", "expandvars")), _first
    ),
    **dict.fromkeys(("pathlib.Path.home", "pathlib.PosixPath.home"), lambda *_: "~"),
    **dict.fromkeys(("os.getenv", "os.environ.get"), _variable),
    "importlib.import_module": _imported,
    "builtins.getattr": _attribute,
    "builtins.vars": _names,
    "os.path.join": _joined_path,
    "tempfile.gettempdir": lambda *_: TEMPORARY,
    "functools.partial": _function,
    "operator.attrgetter": _getter,
    "socket.socket": _socket,
}
_DEPENDS = frozenset((*_GIVERS, *FUNCTIONS, *calls.PASSED_ON, "builtins.map"))
_STARTS = ("local:", "attrgetter:")
_ENDS = (".__getattribute__", ".__getattr__")
