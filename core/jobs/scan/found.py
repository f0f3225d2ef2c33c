"""What the scanners hand to the one that tells: a rule, a place, and what was seen there."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

LONGEST = 100  # characters of what was seen


class Found(NamedTuple):
    rule: str
    line: int  # 0: the file as a whole
    seen: str  # never a secret, never a record
    last: int = 0  # the last line of the statement, where it has more than one


def listed(text: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(text.split())


def shown(text: str) -> str:
    """One short line; of an address without user, password and query."""
    text = re.sub(r"[a-z][a-z0-9+.-]*://[^\s'\"]+", _address, text, flags=re.IGNORECASE)
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * LONGEST].replace("\ufffd", "…")).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _address(found: re.Match[str]) -> str:
    try:
        parts = urlsplit(found[0])
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address"
    return f"{parts.scheme}://{host}{port}" + "/…" * bool(parts.path.strip("/"))
