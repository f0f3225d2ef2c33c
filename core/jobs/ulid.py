"""ULIDs: 48 bits of milliseconds and 80 random bits in Crockford's base 32, so that names sort by time."""

from __future__ import annotations

import re
import secrets
import time

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26
_FORM = re.compile(rf"[0-7][{ALPHABET}]{{25}}")


def new(at: float | None = None) -> str:
    """A new ULID; `at` is seconds since the epoch, now by default."""
    milliseconds = round((time.time() if at is None else at) * 1000)
    return _encode(milliseconds << 80 | secrets.randbits(80))


def _encode(number: int) -> str:
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -5, -5))


def valid(text: str) -> bool:
    """Upper case, 26 characters, no I, L, O or U, not past 48 bits of time."""
    return _FORM.fullmatch(text) is not None
