"""What an expression is, as far as its text says: a constant, or the dotted name of what it refers to.

Texts are put together as Python would (`"sys" + "tem"`, joins, reversals, base64 …), and nothing of the code is run.
"""

from __future__ import annotations

import ast
import base64
import binascii
import codecs
import shlex
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from . import calls
from .found import listed

MOST = 1 << 16  # characters of a text that is put together, items of a list
DEEPEST = 3  # tuples in tuples: each level may double them
LONGEST_RANGE = 512  # numbers that are made: longer ones count epochs, not characters
LONGEST_NAME = 300  # characters of a dotted name: a chain of calls may have no end
UNKNOWN = "\ufffd"  # stands for a part of a text that is known at run time only


class Ref(str):
    """A dotted name: `requests.Session().post`; `[]` is an item of it, `?x` a variable that nothing is known of."""

    __slots__ = ()


class Partial(str):
    """A text with parts that are not known, each an UNKNOWN."""

    __slots__ = ()


_RENAMED = frozenset(name.partition(".")[0] for name in calls.SAME)
Value = Any  # Ref, Partial, str, bytes, int, float, a tuple of these, or None: nothing is known


def canonical(name: str) -> Ref:
    """A dotted name as the tables have it."""
    if name.partition(".")[0] in _RENAMED:
        for start, same in calls.SAME.items():
            if name == start or name.startswith(f"{start}."):
                name = same + name[len(start) :]
                break
    return Ref(name[:LONGEST_NAME])


def known(value: Value, depth: int = 0) -> bool:
    """A constant through and through; what has tuples in tuples in tuples is none."""
    if isinstance(value, tuple):
        return depth < DEEPEST and all(known(item, depth + 1) for item in value)
    return value is not None and not isinstance(value, (Ref, Partial))


def is_text(value: Value) -> bool:
    return isinstance(value, str) and not isinstance(value, Ref)


def added(left: Value, right: Value) -> Value:
    if is_text(left):
        if is_text(right):
            both = f"{left}{right}"[:MOST]
            return Partial(both) if isinstance(left, Partial) or isinstance(right, Partial) else both
        return Partial(f"{left}{UNKNOWN}")
    if is_text(right):
        return Partial(f"{UNKNOWN}{right}")
    if isinstance(left, bytes) and isinstance(right, bytes):
        return (left + right)[:MOST]
    if isinstance(left, tuple) and isinstance(right, tuple):
        return (left + right)[:MOST]
    return left + right if isinstance(left, int) and isinstance(right, int) else None


def text_of(value: Value) -> str:
    """As a part of a longer text."""
    if is_text(value):
        return str(value)
    return str(value) if isinstance(value, (int, float)) else UNKNOWN


def filled(template: str, values: Value) -> Value:
    """`%` with plain conversions alone."""
    given = values if isinstance(values, tuple) else (values,)
    pieces = template.split("%")
    parts = [pieces[0]]
    for number, piece in enumerate(pieces[1:]):
        parts += [text_of(given[number]) if number < len(given) else UNKNOWN, piece[1:]]
    made = "".join(parts)[:MOST]
    return Partial(made) if UNKNOWN in made else made


def path(parts: list[Value]) -> Value:
    """Joined, as `os.path.join` does it."""
    made = ""
    for part in parts:
        text = text_of(part)
        made = text if text.startswith(("/", "~")) or not made else f"{made.rstrip('/')}/{text}"
    return Partial(made[:MOST]) if UNKNOWN in made else made[:MOST]


def sliced(value: Value, index: ast.expr, of: Callable[[ast.expr], Value]) -> Value:
    if not isinstance(value, (str, bytes, tuple)):
        return None
    if not isinstance(index, ast.Slice):
        place = of(index)
        fits = isinstance(place, int) and -len(value) <= place < len(value)
        return value[place] if fits else None
    parts = [None if part is None else of(part) for part in (index.lower, index.upper, index.step)]
    wanted = [part for part in (index.lower, index.upper, index.step) if part is not None]
    if any(not isinstance(of(part), int) for part in wanted) or parts[2] == 0:
        return None
    return value[slice(*parts)]


_SAFE = listed(
    "replace decode encode lower upper strip lstrip rstrip split rsplit title swapcase removeprefix removesuffix "
    "capitalize casefold splitlines partition rpartition hex"
)


def method(value: Value, name: str, given: list[Value]) -> Value:
    """A method of a text or of bytes, where all is known."""
    if name == "join" and len(given) == 1 and isinstance(given[0], tuple):
        return _joined(value, given[0])
    if name == "format":
        return _formatted(value, given)
    if name not in _SAFE or not known(value) or not all(map(known, given)):
        return None
    if name == "replace" and len(given) >= 2 and len(given[1]) * len(value) > MOST:
        return None
    made = getattr(value, name)(*given)
    return tuple(made) if isinstance(made, list) else made


def _joined(glue: Value, items: tuple[Value, ...]) -> Value:
    if isinstance(glue, bytes) and all(isinstance(item, bytes) for item in items):
        return glue.join(items)[:MOST]
    made = str(glue).join(text_of(item) for item in items)[:MOST]
    return Partial(made) if UNKNOWN in made else made


def _formatted(template: Value, given: list[Value]) -> Value:
    pieces = str(template).split("{}")
    parts = [pieces[0]]
    for number, piece in enumerate(pieces[1:]):
        parts += [text_of(given[number]) if number < len(given) else UNKNOWN, piece]
    made = "".join(parts)[:MOST]
    return Partial(made) if UNKNOWN in made or "{" in made else made


def _inflated(data: bytes, bits: int = zlib.MAX_WBITS | 32) -> bytes:
    return zlib.decompressobj(bits).decompress(data, MOST)


def _decoded(data: Any, encoding: str = "utf-8") -> Any:
    if encoding.replace("_", "").replace("-", "") in ("base64", "hex", "rot13", "zlib", "zip"):
        if encoding in ("zlib", "zip"):
            return _inflated(data)
        return codecs.decode(data, encoding)
    return data.decode(encoding)


def _numbers(*limits: int) -> tuple[int, ...]:
    return tuple(range(*limits)[:LONGEST_RANGE])


def _text(data: Any = "", encoding: str = "utf-8") -> str:
    return data.decode(encoding) if isinstance(data, bytes) else str(data)


def _bytes(data: Any = b"", encoding: str = "utf-8") -> bytes | None:
    if isinstance(data, int):
        return None
    return data.encode(encoding) if isinstance(data, str) else bytes(data)


# What a call of this name gives for constants.
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "builtins.chr": chr,
    "shlex.split": lambda text: tuple(shlex.split(text[:MOST])),
    "builtins.ord": ord,
    "builtins.str": _text,
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytes,
    "builtins.int": int,
    "builtins.range": _numbers,
    "builtins.list": tuple,
    "builtins.tuple": tuple,
    "builtins.reversed": lambda items: tuple(reversed(items)),
    "builtins.bytes.fromhex": bytes.fromhex,
    "builtins.bytearray.fromhex": bytes.fromhex,
    "base64.b64decode": base64.b64decode,
    "base64.standard_b64decode": base64.b64decode,
    "base64.urlsafe_b64decode": base64.urlsafe_b64decode,
    "base64.b32decode": base64.b32decode,
    "base64.b16decode": base64.b16decode,
    "base64.b85decode": base64.b85decode,
    "base64.a85decode": base64.a85decode,
    "base64.decodebytes": base64.decodebytes,
    "binascii.unhexlify": binascii.unhexlify,
    "binascii.a2b_hex": binascii.unhexlify,
    "binascii.a2b_base64": binascii.a2b_base64,
    "codecs.decode": _decoded,
    "zlib.decompress": _inflated,
    "gzip.decompress": _inflated,
}


def called(name: str, given: list[Value]) -> Value:
    """What a call gives; None where that cannot be told, or where the call would fail."""
    function = FUNCTIONS.get(name)
    try:
        if name == "builtins.map" and len(given) == 2 and isinstance(given[1], (tuple, str, bytes)):
            return tuple(called(str(given[0]), [item]) for item in given[1][:MOST])
        if function is None or not all(map(known, given)):
            return None
        made = function(*given)
    except (ValueError, TypeError, LookupError, OverflowError, AttributeError, zlib.error):
        return None
    return made
