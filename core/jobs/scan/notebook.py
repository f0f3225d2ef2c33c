"""Notebooks: their code cells as one program, lines for the shell, and outputs that were stored."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from . import python, words
from .found import Found

LARGEST = 20 << 20  # bytes
_TABLE = re.compile(r"<table\b|class=\"dataframe\"")
LONG = 2000  # characters of an output that is text


def of_text(text: str) -> tuple[list[Found], str]:
    """The findings by lines of the program, and that program. Raises ValueError for what is no notebook."""
    try:
        cells = json.loads(text)["cells"]
        programs = [_source(cell) for cell in cells if cell.get("cell_type") == "code"]
        stored = sum(map(_is_stored, cells))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a notebook: {type(error).__name__}") from None
    found = [Found("notebook-output", 0, f"{stored} outputs with tables or pictures")] if stored else []
    lines: list[str] = []
    for program in programs:
        lines += _plain(program, len(lines), found)
    whole = "\n".join(lines)
    return [*found, *python.of_text(whole)], "\n".join(line for program in programs for line in program.split("\n"))


def _source(cell: Any) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _is_stored(cell: Any) -> bool:
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if any(key.startswith(("image/", "application/vnd.")) for key in data):
            return True
        text = (
            "".join(map(str, data.get("text/html", []))),
            "".join(map(str, [*output.get("text", []), *data.get("text/plain", [])])),
        )
        if _TABLE.search(text[0]) or len(text[1]) > LONG:
            return True
    return False


def _plain(program: str, before: int, found: list[Found]) -> Iterator[str]:
    """Its lines, those for IPython as `pass`; what they say to a shell is looked at here."""
    if program.startswith("%%"):
        first, _, rest = program.partition("\n")
        if re.match(r"%%(?:bash|sh|script|!)", first):
            found += words.of_text(rest, before + 2)
        keep = re.match(r"%%(?:time|timeit|capture|prun)\b", first)
        yield "pass"
        yield from (line if keep else "" for line in rest.split("\n") if "\n" in program)
        return
    for number, line in enumerate(program.split("\n"), before + 1):
        special = re.match(r"(\s*)(?:\w+\s*=\s*)?(!{1,2}|%)(.*)|(\s*)(?:\?.*|.*\?\s*)\Z", line)
        if special is None:
            yield line
            continue
        if special[2]:
            command = special[3] if special[2] != "%" else re.sub(r"^(?:sx|system)\s+", "", special[3])
            found += words.of_text(command, number)
        yield f"{special[1] or special[4] or ''}pass"
