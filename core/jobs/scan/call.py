"""One call in Python code, with what is known of it."""

from __future__ import annotations

import ast
import re

from .folding import Ref, Value, is_text
from .found import listed
from .meaning import Meaning

Said = tuple[str, str]  # a rule, and what was seen

_HOST_KEYS = (
    "url", "uri", "host", "address", "endpoint", "endpoint_url", "account_url", "base_url", "dsn", "init_method",
    "tracking_uri", "hostname", "bootstrap_servers", "server", "host_name", "server_hostname",
)  # fmt: skip
_NO_HOST = listed("get post put patch delete head s3 nccl gloo mpi tcp")


class Call:
    """Most calls are of nothing that matters: what their arguments are is worked out when it is asked for."""

    __slots__ = ("_given", "_named", "meaning", "name", "node")

    def __init__(self, meaning: Meaning, node: ast.Call, name: Ref) -> None:
        self.meaning, self.node = meaning, node
        self.name = name  # of what is called
        self._given: list[Value] | None = None
        self._named: dict[str, Value] | None = None

    @property
    def given(self) -> list[Value]:
        """Its arguments by place."""
        if self._given is None:
            self._given = [self.meaning.of(item) for item in self.node.args]
        return self._given

    @property
    def named(self) -> dict[str, Value]:
        """Its arguments by name; True and False too."""
        if self._named is None:
            self._named = {each.arg: self._value(each.value) for each in self.node.keywords if each.arg is not None}
        return self._named

    def _value(self, node: ast.expr) -> Value:
        return node.value if isinstance(node, ast.Constant) else self.meaning.of(node)

    @property
    def first(self) -> Value:
        return self.given[0] if self.given else None

    @property
    def where(self) -> str | None:
        """The first text among the arguments that may say where it goes: of a pair, its host."""
        for value in [*(self.named[key] for key in _HOST_KEYS if key in self.named), *self.given]:
            value = value[0] if isinstance(value, tuple) and value else value
            if is_text(value) and str(value).lower() not in _NO_HOST:
                return str(value)
        return None

    @property
    def kinds(self) -> set[str]:
        """The last parts of the names that it is given: `AF_UNIX`."""
        return {
            str(value).rpartition(".")[2].lstrip("?")
            for value in [*self.given, *self.named.values()]
            if isinstance(value, Ref)
        }


def brief(name: str) -> str:
    """A name as a person writes it."""
    return re.sub(r"\(\w*\)|\[\]|^builtins\.|^\?\.?", "", name)
