"""`${{inputs.NAME}}` and `${{outputs.NAME}}` in a command or a variable."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def expressions(text: str) -> Iterator[str]:
    """What stands between the braces, trimmed: `inputs.lr`."""
    for found in _EXPRESSION.finditer(text):
        yield found.group(1).strip()


def filled(text: str, value: Callable[[str], str]) -> str:
    """`text` with every expression replaced, once: what a value brings in is not looked at again."""
    return _EXPRESSION.sub(lambda found: value(found.group(1).strip()), text)
