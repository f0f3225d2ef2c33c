"""Whether a text is a table of records: CSV and its kin, JSON lines, numbers in columns, SQL inserts."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from .found import listed

LINES = 200  # that are looked at
LONGEST = 2000  # characters of a line
# Text that people write: a table in it is not what the file is.
WRITTEN = listed(
    ".py .pyi .pyw .ipynb .sh .bash .md .rst .yml .yaml .toml .cfg .ini .lock .js .ts .jsx .tsx .c .cc .cpp .h "
    ".hpp .cu .java .go .rs .r .jl .m .scala .html .css .xml .svg .tex .bib .proto .ipynb .gitignore .amlignore "
    ".dockerfile .j2 .bat .ps1 .mk"
)
_NUMBER = re.compile(r"\s*[\"']?[-+]?(?:\d[\d ]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?%?[\"']?\s*\Z")
_DATE = re.compile(r"\s*[\"']?(?:\d{4}-\d\d?-\d\d?|\d\d?[./]\d\d?[./]\d{2,4})(?:[T ][\d:.+Z-]+)?[\"']?\s*\Z")
_QUOTED = re.compile(r"\"[^\"\n]*\"")
_RECORD = re.compile(r"\s*\{\s*\"[^\"]{1,100}\"\s*:")
_INSERT = re.compile(r"\s*(?:INSERT\s+INTO\b|COPY\s+\S+.*\bFROM\s+stdin)", re.IGNORECASE)


class Table(NamedTuple):
    what: str
    rows: int  # in what was looked at; of a larger file there are more


def of(head: bytes, size: int, suffix: str) -> Table | None:
    """`head`: the first bytes of a text."""
    text = _decoded(head)
    if suffix in WRITTEN or not text:
        return None
    whole = size <= len(head)
    lines = [line[:LONGEST] for line in text.split("\n")]
    lines = [line.rstrip("\r") for line in (lines if whole else lines[:-1] or lines) if line.strip()]
    if not lines:
        return None
    records = sum(bool(_RECORD.match(line)) for line in lines[:LINES])
    if records >= 3 and records >= 0.9 * len(lines[:LINES]):
        return Table("JSON lines", len(lines))
    if suffix in (".json", ".geojson") or text.lstrip().startswith(("[{", "[\n")):
        return _json(text)
    if sum(bool(_INSERT.match(line)) for line in lines[:LINES]) >= 3:
        return Table("SQL inserts", len(lines))
    return _columns(lines, suffix)


def _decoded(head: bytes) -> str:
    for encoding in ("utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", "latin-1"):
        try:
            return head.decode(encoding)
        except UnicodeDecodeError as error:
            if error.start > len(head) - 4:  # cut within a character
                return head[: error.start].decode(encoding, "replace")
    return ""


def _json(text: str) -> Table | None:
    """A list of objects with the same keys."""
    if not text.lstrip().startswith("["):
        return None
    keys = Counter(re.findall(r"[{,]\s*\"([^\"]{1,60})\"\s*:", text))
    rows = max(keys.values(), default=0)
    return Table("JSON records", rows) if rows >= 5 else None


def _columns(lines: list[str], suffix: str) -> Table | None:
    named = suffix in (".csv", ".tsv", ".psv", ".dat", ".data")
    body = [line for line in lines if not line.startswith(("#", "%", "@"))]
    seen = [_QUOTED.sub("q", line) for line in body[:LINES]]
    if len(seen) < (2 if named else 5):
        return None
    for mark in ",\t;|":
        width, often = Counter(line.count(mark) for line in seen).most_common(1)[0]
        if width >= 1 and often >= 0.9 * len(seen) and (named or _filled(seen, mark, width)):
            return Table({",": "CSV", "\t": "TSV"}.get(mark, f"columns by {mark}"), len(body) - 1)
    numbers = [line for line in seen if len(line.split()) >= 3 and all(map(_NUMBER.match, line.split()))]
    if len(numbers) >= max(5, 0.9 * len(seen)):
        return Table("numbers in columns", len(body))
    sparse = sum(bool(re.match(r"\S+(?: \d+:\S+){2,}", line)) for line in seen)
    if sparse >= max(5, 0.9 * len(seen)):
        return Table("svmlight", len(body))
    return Table("a list of values", len(body)) if suffix in (".csv", ".tsv") and len(body) >= 20 else None


def _filled(lines: list[str], mark: str, width: int) -> bool:
    """A column of numbers or dates: prose and lists of words have none."""
    rows = [line.split(mark) for line in lines[1:] if line.count(mark) == width]
    for column in range(width + 1):
        plain = sum(bool(_NUMBER.match(row[column]) or _DATE.match(row[column])) for row in rows)
        if rows and plain >= 0.6 * len(rows):
            return True
    return width >= 3 and len(rows) >= 20
