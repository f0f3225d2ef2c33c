"""Python source: the statements in their order, what each name means there, and what is called."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import calls, judging, places, reaching, records, syntax
from .call import Call
from .folding import Partial, Ref, Value, is_text
from .found import Found, listed, shown
from .meaning import Meaning, bind, looped

LARGEST = 2 << 20  # bytes: what people write is smaller
DEEPEST = 4  # code in texts of code
_WORD = re.compile(r"[A-Za-z_]\w*")
_DYNAMIC = listed(
    "exec eval compile __import__ import_module importlib __builtins__ builtins globals attrgetter __dict__ modules "
    "ctypes cffi pickle marshal runpy spec_from_file_location setrlimit chmod symlink link hardlink_to symlink_to "
    "share push_to_hub log_input_examples input_example report_to SOCK_RAW fileno fdopen "
    "MLFLOW_TRACKING_URI AF_UNIX setsid sitecustomize"
)
_SHELLED = listed("system popen getoutput getstatusoutput subprocess")
_RECORDS = frozenset(name.rpartition(".")[2] for name in calls.RECORDS if not name.startswith("numpy.load")) | {"head"}
_TRIGGERS = (
    calls.words_of(calls.CALLS)
    | calls.words_of(calls.RUNS)
    | calls.words_of(calls.ENCODES)
    | _DYNAMIC
    | _SHELLED
    | _RECORDS
)
_GETATTR = re.compile(
    r"\bgetattr\(\s*(?:"
    + "|".join(sorted(calls.REACHING))
    + r")\b|\bgetattr\([^,()]*,\s*[\"'][^\"']*[\"']\s*[+%.]|\bvars\(\w"
)
_CLUES = (
    "169.254.169.254", "168.63.129.16", ".sock", "/proc/", "\\x1b]", "\\033]", "\\u001b]", "\\x9d", "s3://", "gs://",
    "abfs", "wasb", "webhook", "hooks.", "pastebin", "transfer.sh", "telegram", "ngrok", "file.io", "0x0.st",
    "requestbin", "trycloudflare", "ntfy.sh", "logic.azure", "ifttt", "download=True",
)  # fmt: skip
_FIXED_PLACE = re.compile(
    r"[\"'](?:~|/(?!tmp/|usr/|opt/|job/|outputs/|bin/|dev/null|dev/std)\w)|\bhome\(|[\"']HOME[\"']"
)
_DISPLAYS = (ast.Dict, ast.Tuple, ast.List, ast.Set)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


def of_text(text: str, *, depth: int = 0) -> list[Found]:
    """What is found in a module's source. Never raises for what the source holds."""
    if not depth and not _wanted(text):
        return []
    if depth > DEEPEST:
        return [Found("hidden-code", 1, "code in texts of code, too many times")]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the source, such as an invalid escape
            tree = ast.parse(text)
    except SyntaxError as error:
        return [] if depth else [Found("not-read", error.lineno or 0, shown(f"not Python here: {error.msg}"))]
    except (RecursionError, MemoryError):
        return [Found("not-read", 0, "nested too deeply")]
    except (ValueError, OverflowError) as error:  # NUL bytes, half of a surrogate pair
        return [Found("not-read", 0, shown(f"not Python: {error}"))]
    reader = _Reader(depth)
    reader.module(tree)
    return reader.found


def _wanted(text: str) -> bool:
    """Whether anything in it may be found: most files say none of the words, and need not be parsed."""
    words = frozenset(_WORD.findall(text))
    if words & _TRIGGERS or any(clue in text for clue in _CLUES):
        return True
    return bool(_FIXED_PLACE.search(text)) or (("getattr" in words or "vars" in words) and bool(_GETATTR.search(text)))


class _Reader:
    def __init__(self, depth: int) -> None:
        self.found: list[Found] = []
        self._depth = depth
        self._read: set[str] = set()
        self._returns: dict[str, Value] = {}
        self._later: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, Meaning, str]] = []
        self._class = ""
        self._said: set[tuple[str, int]] = set()
        self._statement: ast.AST | None = None
        self._forks: set[str] = set()

    def module(self, tree: ast.Module) -> None:
        self._guarded(self._returned, tree)
        meaning = Meaning({}, self._returns)
        self._block(tree.body, meaning)
        while self._later:
            function, inside, owner = self._later.pop(0)
            self._class = owner
            self._guarded(self._function, function, inside)

    def _guarded(self, work: object, node: ast.AST, *more: object) -> None:
        try:
            work(node, *more)  # type: ignore[operator]
        except (RecursionError, MemoryError):
            self._say("not-read", "nested too deeply", node)
        except Exception as error:  # what the source holds is anybody's: the rest of it is still looked at
            self._say("not-read", f"the scan failed here: {type(error).__name__}", node)

    def _say(self, rule: str, seen: str, node: ast.AST) -> None:
        line = getattr(node, "lineno", 0)
        if (rule, line) not in self._said:  # one of a kind is enough for a line
            self._said.add((rule, line))
            around = self._statement if hasattr(self._statement, "value") or isinstance(node, ast.expr) else None
            last = max(getattr(node, "end_lineno", line) or line, syntax.end(around, line))
            self.found.append(Found(rule, line, seen, last))

    def _returned(self, tree: ast.AST) -> None:
        """Of functions that return one simple thing, what it is: known before they are used."""
        inside = Meaning({}, {})
        for node in getattr(tree, "body", []):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                syntax.imported(inside.names, node)
        for node in getattr(tree, "body", []):
            if isinstance(node, ast.FunctionDef) and isinstance(node.body[-1], ast.Return):
                local = inside.inner()
                for statement in node.body[:-1]:
                    if isinstance(statement, ast.Assign):
                        bind(local.names, statement.targets[0], local.of(statement.value))
                        local.forget()
                local.names.update({name: Ref(f"?{name}") for name in syntax.arguments(node)})
                value = local.of(node.body[-1].value)
                if value is not None and not str(value).startswith("?"):
                    self._returns[node.name] = value

    def _block(self, body: Sequence[ast.stmt], meaning: Meaning) -> None:
        for statement in body:
            meaning.forget()
            self._statement = statement
            self._guarded(self._one, statement, meaning)

    def _one(self, node: ast.stmt, meaning: Meaning) -> None:
        work = _WORK.get(type(node))
        if work is not None:
            work(self, node, meaning)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):  # a docstring
            self._other(node, meaning)

    def _import(self, node: ast.Import | ast.ImportFrom, meaning: Meaning) -> None:
        syntax.imported(meaning.names, node)

    def _new_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, meaning: Meaning) -> None:
        self._expressions([*node.decorator_list, *node.args.defaults], meaning)
        self._kept(node.args.defaults, node, meaning)
        meaning.names[node.name] = Ref(f"local:{node.name}")
        self._later.append((node, meaning, self._class))

    def _loop(self, node: ast.For | ast.AsyncFor, meaning: Meaning) -> None:
        self._expression(node.iter, meaning)
        looped(meaning, node.target, node.iter)
        self._block(node.body, meaning)
        self._block(node.orelse, meaning)

    def _with(self, node: ast.With | ast.AsyncWith, meaning: Meaning) -> None:
        for item in node.items:
            self._expression(item.context_expr, meaning)
            if item.optional_vars is not None:
                bind(meaning.names, item.optional_vars, meaning.of(item.context_expr))
        self._block(node.body, meaning)

    def _other(self, node: ast.stmt, meaning: Meaning) -> None:
        if isinstance(node, ast.Raise) and node.exc is not None:
            for rule, seen in records.raised(meaning, node.exc):
                self._say(rule, seen, node)
        if isinstance(node, ast.Assert) and node.msg is not None:
            for rule, seen in records.asserted(meaning, node.msg):
                self._say(rule, seen, node)
        for _, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                self._expression(value, meaning)
            elif isinstance(value, list):
                self._list(value, meaning)

    def _list(self, values: list[ast.AST], meaning: Meaning) -> None:
        if values and isinstance(values[0], ast.stmt):
            self._block(values, meaning)  # type: ignore[arg-type]
            return
        for value in values:
            if isinstance(value, ast.expr):
                self._expression(value, meaning)
            elif isinstance(value, (ast.ExceptHandler, ast.match_case)):
                self._block(value.body, meaning)

    def _new_class(self, node: ast.ClassDef, meaning: Meaning) -> None:
        outer, self._class = self._class, node.name
        self._expressions([*node.bases, *node.decorator_list], meaning)
        inside = meaning.inner()
        self._block(node.body, inside)
        self._class = outer
        meaning.names[node.name] = Ref(f"local:{node.name}")
        above = next((meaning.of(base) for base in node.bases), None)
        if isinstance(above, Ref) and not above.startswith(("?", "builtins.")):
            self._returns.setdefault(node.name, Ref(f"{above}()"))  # what it makes is one of those, as well

    def _assigned(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, meaning: Meaning) -> None:
        if node.value is None:
            return
        self._expression(node.value, meaning)
        value = meaning.of(node.value)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(node, ast.AugAssign):
                value = (
                    meaning.of(ast.BinOp(ast.Name(target.id), node.op, node.value))
                    if isinstance(target, ast.Name)
                    else None
                )
            for rule, seen in records.stored(target, value):
                self._say(rule, seen, node)
            if isinstance(target, ast.Subscript):
                self._set_variable(target, value, meaning)
            bind(meaning.names, target, value)

    def _set_variable(self, target: ast.Subscript, value: Value, meaning: Meaning) -> None:
        """`os.environ["X"] = …`."""
        if meaning.of(target.value) != "os.environ":
            self._expression(target.value, meaning)
            return
        name = meaning.of(target.slice)
        if name in ("WANDB_MODE", "WANDB_DISABLED") and value in ("offline", "disabled", "true", "dryrun"):
            meaning.names["wandb:offline"] = "yes"
        elif name == "MLFLOW_TRACKING_URI" and is_text(value) and reaching.goes_elsewhere(str(value)):
            self._say("tracker", shown(f"MLFLOW_TRACKING_URI → {value}"), target)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, meaning: Meaning) -> None:
        inside = meaning.inner()
        for name, annotation in syntax.arguments(node).items():
            kind = meaning.of(annotation) if annotation is not None else None
            inside.names[name] = (
                Ref(f"?{name}") if not isinstance(kind, Ref) or kind.startswith("?") else Ref(f"{kind}()")
            )
        if isinstance(node, ast.Lambda):
            self._expression(node.body, inside)
            return
        self._block(node.body, inside)
        if self._class:  # what one method keeps, the others find
            meaning.names.update({key: value for key, value in inside.names.items() if key.startswith("self.")})

    def _expressions(self, nodes: Iterable[ast.expr], meaning: Meaning) -> None:
        for node in nodes:
            self._expression(node, meaning)

    def _expression(self, node: ast.expr, meaning: Meaning) -> None:
        kind = type(node)
        while kind is ast.Attribute:
            node = node.value  # type: ignore[attr-defined]
            kind = type(node)
        if kind is ast.Name:
            return
        if kind is ast.Constant:
            if isinstance(node.value, str) and len(node.value) > 5:  # type: ignore[attr-defined]
                for rule, seen in reaching.clues(node.value):  # type: ignore[attr-defined]
                    self._say(rule, seen, node)
            return
        if kind is ast.Call:
            self._call(node, meaning)  # type: ignore[arg-type]
        elif kind is ast.Lambda:
            self._function(node, meaning)  # type: ignore[arg-type]
            return
        elif kind in _COMPREHENSIONS:
            for loop in node.generators:  # type: ignore[attr-defined]
                looped(meaning, loop.target, loop.iter)
        elif kind is ast.Subscript:
            self._item(node, meaning)  # type: ignore[arg-type]
        elif kind in _DISPLAYS:
            self._kept(node.values if kind is ast.Dict else node.elts, node, meaning)  # type: ignore[attr-defined]
        for child in syntax.children(node):
            self._expression(child, meaning)

    def _kept(self, items: Iterable[ast.expr], node: ast.AST, meaning: Meaning) -> None:
        for rule, seen in judging.kept(meaning, items):
            self._say(rule, seen, node)

    def _item(self, node: ast.Subscript, meaning: Meaning) -> None:
        value = meaning.of(node)
        if isinstance(value, Ref) and value.endswith("[?]") and value.partition(".")[0].rstrip("[?]") in calls.REACHING:
            self._say("hidden-name", f"{value[:-3]} with a name that is made at run time", node)

    def _call(self, node: ast.Call, meaning: Meaning) -> None:
        name = meaning.of(node.func)
        if isinstance(node.func, ast.Attribute) and node.func.attr in places.METHODS:
            for rule, seen in places.by_path(meaning, node, node.func):
                self._say(rule, seen, node)
        if not isinstance(name, Ref):
            return
        if name in ("builtins.exec", "builtins.eval", "builtins.compile"):
            self._code(node, name, meaning)
        elif name in ("os.fork", "os.setsid"):
            self._forks.add(str(name))
            if self._forks == {"os.fork", "os.setsid"}:
                self._say("stays-behind", "os.fork and os.setsid", node)
                self._forks.add("told")
        if judging.matters(name, node):
            for rule, seen in judging.judged(Call(meaning, node, name), self._read):
                self._say(rule, seen, node)
        for rule, seen in judging.handed(meaning, node, name):
            self._say(rule, seen, node)

    def _code(self, node: ast.Call, name: str, meaning: Meaning) -> None:
        """Of exec, eval and compile: the text is looked at where it is known."""
        text = meaning.of(node.args[0]) if node.args else None
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        if isinstance(text, Ref) and text.startswith("builtins.compile"):
            return  # that call is told
        if not isinstance(text, str) or isinstance(text, (Ref, Partial)):
            self._say("hidden-code", f"{name.rpartition('.')[2]} of a text that is made at run time", node)
            return
        for found in of_text(text.strip(), depth=self._depth + 1):
            self._say(found.rule, found.seen, node)


_WORK: dict[type[ast.stmt], Callable[[_Reader, Any, Meaning], None]] = {
    **dict.fromkeys((ast.Import, ast.ImportFrom), _Reader._import),
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef), _Reader._new_function),
    **dict.fromkeys((ast.Assign, ast.AnnAssign, ast.AugAssign), _Reader._assigned),
    **dict.fromkeys((ast.For, ast.AsyncFor), _Reader._loop),
    **dict.fromkeys((ast.With, ast.AsyncWith), _Reader._with),
    ast.ClassDef: _Reader._new_class,
}
