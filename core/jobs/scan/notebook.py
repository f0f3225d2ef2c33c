"""Notebooks: their code cells as one program, lines for the shell, and outputs that were stored."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from typing import Any

from ... import amounts
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
    found = (
        [Found("notebook-output", 0, f"{amounts.plural(stored, 'output')} with tables or pictures")] if stored else []
    )
    lines: list[str] = []
    for program in programs:
        lines += _parsed(list(_plain(program, len(lines), found)), len(lines), found)
    found += python.of_text("\n".join(lines))
    return found, "\n".join(programs)


def places(text: str, program: str) -> list[int]:
    """For each line of the program its line in the notebook's file."""
    made, position, line = [], 0, 1
    for part in program.split("\n"):
        for written in (json.dumps(part, ensure_ascii=False)[1:-1], json.dumps(part)[1:-1]):
            found = text.find(written, position) if written.strip() else -1
            if found >= 0:
                line += text.count("\n", position, found)
                position = found
                break
        made.append(line)
    return made


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


def _parsed(lines: list[str], before: int, found: list[Found]) -> list[str]:
    """A cell that is not Python is left out, so that the others are looked at."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile("\n".join(lines), "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        found.append(Found("not-read", before + (error.lineno or 1), f"a cell is not Python here: {error.msg}"))
        return [""] * len(lines)
    except (RecursionError, MemoryError, ValueError):
        pass  # the whole is told
    return lines


def _plain(program: str, before: int, found: list[Found]) -> Iterator[str]:
    """Its lines, those for IPython as `pass`; what they say to a shell is looked at here."""
    if program.startswith("%%"):
        first, _, rest = program.partition("\n")
        if re.match(r"%%(?:bash|sh|script|!)", first):
            found += words.of_text(rest, before + 2)
        yield "pass"
        if re.match(r"%%(?:time|timeit|capture|prun)\b", first) and "\n" in program:
            yield from _plain(rest, before + 1, found)
        else:
            yield from [""] * program.count("\n")
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
