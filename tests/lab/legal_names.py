"""Blob names with every character that a name may have."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator

PART_BYTES = 240  # of a file's name on the VM: 255 at most
ODD = (
    "with space.csv", " first", "last ", "a+b&c=d#e?.csv", "100%.csv", "%2e%2e.csv", "%00", "'\"`$(x);|", "-rf", "~",
    "...", "…/.hidden", ".tmp-0", "manifest.json", "files", "used", "CON", "a:b", "back\\slash", "*?[x]", "tab.csv",
    "A", "a", "ümläut/日本.csv", "e\u0301/é", "\u202egnp.exe", "\ufeffbom", "\u2028\u2029", "👩‍👩‍👧",
    "x" * 255, "ü" * 127,
    "d/" * 200 + "deep", "{0}{}", "<&amp;>", "]]>", "__proto__", "NaN", "0x1", "sub/folder/a", "sub/folder.b",
)  # fmt: skip


def legal(letter: str) -> bool:
    """A character of XML 1.0 that is no control character, and not the one between folders."""
    code = ord(letter)
    return letter != "/" and code >= 32 and code != 127 and not 0xD800 <= code <= 0xDFFF and code & 0xFFFE != 0xFFFE


def every(step: int = 1) -> list[str]:
    """Each character in the middle of a name, many in one; with `step`, each second, third … name."""
    letters = (chr(code) for code in range(sys.maxunicode + 1))
    assigned = (letter for letter in letters if legal(letter) and unicodedata.category(letter) not in ("Cn", "Co"))
    return [*ODD, *(f"all/{number:05}{text}." for number, text in enumerate(_parts(assigned)) if number % step == 0)]


def _parts(letters: Iterable[str]) -> Iterator[str]:
    part, size = "", 0
    for letter in letters:
        part, size = part + letter, size + len(letter.encode())
        if size > PART_BYTES - 10:
            yield part
            part, size = "", 0
    yield part
