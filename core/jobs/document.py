"""A YAML file as a tree in which every value knows its file, line and key, so that each error can name them.

Read strictly: one document, keys that are text and appear once. Anchors and merge keys mean what YAML says.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import JobError

SHELL_PIPES = ("/dev/", "/proc/")  # `trainshed run <(make-job)`: its writer is there
LARGEST_FILE = 256 * 1024  # bytes; a job file has one or two thousand
MOST_VALUES = 20_000  # after anchors are expanded
_PLAIN = "tag:yaml.org,2002:"
_MERGE = _PLAIN + "merge"


@dataclass(frozen=True, slots=True)
class Node:
    """`value`: a scalar (str, int, float, bool, None, or a date), a dict of nodes, or a list of nodes."""

    file: str
    line: int
    key: str  # dotted, "" at the top
    value: Any

    def error(self, text: str, hint: str = "") -> JobError:
        where = f"{self.file}:{self.line}: "
        return JobError(f"{where}{self.key}: {text}" if self.key else f"{where}{text}", hint=hint)

    @property
    def kind(self) -> str:
        """What the value is, in words."""
        if self.value is None:
            return "nothing"
        names = {str: "text", bool: "a boolean", int: "a number", float: "a number", dict: "a mapping", list: "a list"}
        return names.get(type(self.value), "a date")

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.error(f"has to be text, not {self.kind}", _quote_hint(self))
        return self.value

    def filled(self) -> str:
        if not self.text().strip():
            raise self.error("is empty")
        return self.text()

    def mapping(self) -> dict[str, Node]:
        if not isinstance(self.value, dict):
            raise self.error(f"has to be a mapping, not {self.kind}")
        return self.value

    def fields(self, known: Iterable[str]) -> dict[str, Node]:
        """The mapping, in which every key is one of `known`."""
        known = list(known)
        for name, node in self.mapping().items():
            if name not in known:
                raise node.error("no such key here", did_you_mean(name, known))
        return self.mapping()

    def scalar(self) -> str | bool | int | float:
        """A literal as Azure ML takes it: text, number or boolean."""
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise self.error("infinity and not-a-number are not taken")
        if isinstance(self.value, (str, bool, int, float)):
            return self.value
        raise self.error(f"has to be text, a number or a boolean, not {self.kind}", _quote_hint(self))

    def plain(self) -> Any:
        """The value without file and lines."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def _quote_hint(node: Node) -> str:
    return "" if node.value is None or isinstance(node.value, (dict, list)) else "write it in quotes"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    close = difflib.get_close_matches(name, known, 1, 0.6)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}" if known else ""


def read(path: Path) -> Node:
    """Raises JobError, one clear message whatever the file holds."""
    return parse(_text(path), str(path))


def _text(path: Path) -> str:
    try:
        if path.is_fifo() and not str(path).startswith(SHELL_PIPES):
            raise JobError(f"{path} is a pipe, not a file", hint="nobody may ever write to it")
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise JobError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise JobError(f"{path} is a folder, not a file", hint=_inside(path)) from None
    except (OSError, ValueError) as error:
        raise JobError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > LARGEST_FILE:
        raise JobError(f"{path} is larger than {LARGEST_FILE // 1024} KB: not a job file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise JobError(f"{path}:{line}: not UTF-8 text") from None


def _inside(folder: Path) -> str:
    try:
        found = sorted(item.name for item in folder.iterdir() if item.suffix in (".yml", ".yaml"))
    except OSError:
        return ""
    return f"it holds {', '.join(found[:5])}" if found else ""


def parse(text: str, file: str) -> Node:
    """The text of one YAML document. Raises JobError."""
    import yaml

    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        if not documents or documents[0] is None:
            raise JobError(f"{file} is empty")
        if len(documents) > 1:
            line = documents[1].start_mark.line + 1
            raise JobError(f"{file}:{line}: a second document begins here", hint="one job, one file")
        return _Builder(file).node(documents[0], "")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise JobError(f"{file}:{line}: not text: character #x{ord(text[error.position]):02x} is not allowed") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise JobError(f"{file}:{line}: not YAML: {error.problem or error.context}") from None
    except RecursionError:
        raise JobError(f"{file}: nested too deeply") from None


class _Builder:
    def __init__(self, file: str) -> None:
        import yaml

        self._file = file
        self._values = 0
        self._open: set[int] = set()
        self._scalars = yaml.SafeLoader("")

    def node(self, source: Any, key: str) -> Node:
        import yaml

        line = source.start_mark.line + 1
        self._values += 1
        if self._values > MOST_VALUES:
            raise JobError(f"{self._file}:{line}: more than {MOST_VALUES} values, anchors expanded")
        if source.tag not in _TAGS[source.id]:
            raise Node(self._file, line, key, None).error(
                f"the YAML tag {source.tag.replace(_PLAIN, '!!')} is not taken here"
            )
        if id(source) in self._open:
            raise JobError(f"{self._file}:{line}: an anchor holds itself")
        self._open.add(id(source))
        try:
            if isinstance(source, yaml.MappingNode):
                value: Any = self._mapping(source, key)
            elif isinstance(source, yaml.SequenceNode):
                value = [self.node(item, f"{key}[{index}]") for index, item in enumerate(source.value)]
            else:
                value = self._scalar(source, Node(self._file, line, key, None))
        finally:
            self._open.discard(id(source))
        return Node(self._file, line, key, value)

    def _scalar(self, source: Any, at: Node) -> Any:
        try:
            value = self._scalars.construct_object(source)
            if isinstance(value, str):
                value.encode()  # half of a surrogate pair is no text
            return value
        except (ValueError, OverflowError, LookupError, AttributeError):  # what PyYAML lets through for `!!int x`
            raise at.error(f"{source.value[:40]} is not a valid {source.tag.rpartition(':')[2]}") from None

    def _mapping(self, source: Any, key: str) -> dict[str, Node]:
        import yaml

        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for name, value in source.value:
            line = name.start_mark.line + 1
            if name.tag == _MERGE:
                several = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for one in several:
                    merged = {**self.node(one, key).mapping(), **merged}
                continue
            at = Node(self._file, line, key, None)
            if name.tag != _PLAIN + "str":
                shown = getattr(name, "value", "") if isinstance(name, yaml.ScalarNode) else "a list or mapping"
                raise at.error(f"a key has to be text, not {shown}", "write it in quotes")
            inner = f"{key}.{name.value}" if key else name.value
            if name.value in own:
                raise Node(self._file, line, inner, None).error(f"appears twice (first in line {own[name.value].line})")
            node = self.node(value, inner)
            own[name.value] = Node(node.file, line, inner, node.value)
        return {**merged, **own}


_TAGS = {
    "mapping": {_PLAIN + "map"},
    "sequence": {_PLAIN + "seq"},
    "scalar": {_PLAIN + name for name in ("str", "int", "float", "bool", "null", "timestamp")},
}
