"""The order of Debian's package versions (Debian Policy 5.6.12), as dpkg has it."""

from __future__ import annotations

import re

Key = tuple[int, list[tuple[list[int], int]], list[tuple[list[int], int]]]


def key(version: str) -> Key:
    """Sorts as `dpkg --compare-versions` does: [EPOCH:]UPSTREAM[-REVISION]. Raises ValueError for a wrong epoch."""
    epoch, colon, rest = version.strip().partition(":")
    number, text = (int(epoch), rest) if colon else (0, version.strip())
    upstream, _, revision = text.rpartition("-")
    return number, _parts(upstream or revision), _parts(revision if upstream else "")


def _parts(text: str) -> list[tuple[list[int], int]]:
    """Pairs of what is no digit and the number after it."""
    pairs = re.findall(r"([^0-9]*)([0-9]*)", text)
    return [*((_order(letters), int(digits or 0)) for letters, digits in pairs if letters or digits), (_order(""), 0)]


def _order(letters: str) -> list[int]:
    """Tilde before the end, the end before letters, letters before all else."""
    ranks = [-1 if char == "~" else ord(char) if char.isalpha() else ord(char) + 256 for char in letters]
    return [*ranks, 0]


def older(version: str, than: str) -> bool:
    return key(version) < key(than)
