"""Reads a file of a folder that may hold anything: never a link, a pipe or a device, and no more than wanted."""

from __future__ import annotations

import io
import os
import stat
import tokenize


def read(path: str, most: int) -> tuple[bytes, int]:
    """The first `most` bytes, and the file's size. Raises OSError."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    try:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(0, "it is no file")
        parts: list[bytes] = []
        left = most
        while left > 0 and (part := os.read(handle, min(left, 1 << 20))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts), info.st_size
    finally:
        os.close(handle)


def python(data: bytes) -> str:
    """As Python reads its source. Raises ValueError that says why it would not."""
    if b"\0" in data:
        raise ValueError("it holds NUL bytes")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except (SyntaxError, LookupError, UnicodeError):
        raise ValueError("its text has another encoding than it says") from None


def text(data: bytes) -> str:
    """Of whatever is text; "" of what is not."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return "" if b"\0" in data[:4096] else data.decode("utf-8", "replace")
