"""One call in Python code, with what is known of it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property

from .folding import Ref, Value, is_text
from .found import listed
from .meaning import Meaning

Said = tuple[str, str]  # a rule, and what was seen

_HOST_KEYS = (
    "url", "uri", "host", "address", "endpoint", "endpoint_url", "account_url", "base_url", "dsn", "init_method",
    "tracking_uri", "hostname", "bootstrap_servers", "server", "host_name", "server_hostname",
)  # fmt: skip
_NO_HOST = listed("get post put patch delete head s3 nccl gloo mpi tcp")


@dataclass(frozen=True)
class Call:
    meaning: Meaning
    node: ast.Call
    name: Ref  # of what is called

    @cached_property
    def given(self) -> list[Value]:
        """Its arguments by place."""
        return [self.meaning.of(item) for item in self.node.args]

    @cached_property
    def named(self) -> dict[str, Value]:
        """Its arguments by name; True and False too."""
        found = {}
        for keyword in self.node.keywords:
            if keyword.arg is not None:
                constant = isinstance(keyword.value, ast.Constant)
                found[keyword.arg] = keyword.value.value if constant else self.meaning.of(keyword.value)  # type: ignore[attr-defined]
        return found

    @property
    def first(self) -> Value:
        return self.given[0] if self.given else None

    @cached_property
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
