"""Where in a TOML file a key is."""

from __future__ import annotations

import re

TABLE = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
KEY = re.compile(r"\s*([A-Za-z0-9_.\"'-]+?)\s*=")


def line_of(text: str, key: str) -> int:
    """The line of a dotted key, of the nearest table or key above it where it is not there itself; 0 for none."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header, entry = TABLE.match(line), KEY.match(line)
        if header:
            table = _plain(header.group(1))
            found.setdefault(table, number)
        elif entry:
            name = _plain(entry.group(1))
            found.setdefault(f"{table}.{name}" if table else name, number)
    wanted = key
    while wanted and wanted not in found:
        wanted = wanted.rpartition(".")[0]
    return found.get(wanted, 0)


def _plain(name: str) -> str:
    return re.sub(r"[\"'\s]", "", name)
