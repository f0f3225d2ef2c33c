"""Frames over one byte stream: JSON messages and raw bytes, many calls at once.

A frame is a header (`>IIc`: payload length, call number, kind) and its payload.
Kind `J` is a JSON message, `B` is raw bytes.

client -> agent   J {"op", "args"}   opens a call
                  B …, J {"end": true}   its upload, if it has one; each B costs one credit of the client's
                  J {"credit": n}    n more frames may be sent on this call
                  J {"cancel": true}
agent -> client   J {"event", …} and B …   each costs one credit
                  J {"credit": n}    n more frames of the upload may be sent
                  J {"result": {…}} or J {"error": {code, title, hint, facts}}   ends the call

Credit keeps one slow reader from filling the link that all calls share.
Both ends use this module.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Callable

PROTOCOL = 1
MAGIC = b"TRAINSHED-AGENT "  # then the hello as JSON and a newline; noise of the login shell comes before
HEADER = struct.Struct(">IIc")
JSON = b"J"
BYTES = b"B"
CREDIT = 64  # frames that each side of a new call may send before the first top-up
CHUNK = 64 * 1024
BULK = 256 * 1024  # of one frame, where much waits to be sent
MAX_PAYLOAD = 16 * 1024 * 1024


class WireError(Exception):
    """The other end does not speak this protocol."""


def encode(call: int, payload: object) -> bytes:
    """One frame; `payload` is bytes or a JSON value."""
    if isinstance(payload, bytes):
        return HEADER.pack(len(payload), call, BYTES) + payload
    text = json.dumps(payload, separators=(",", ":")).encode()
    return HEADER.pack(len(text), call, JSON) + text


def decode(kind: bytes, payload: bytes) -> Any:
    """Bytes, or a JSON value whose text can be written as UTF-8. Raises WireError, ValueError."""
    if kind == BYTES:
        return payload
    if kind != JSON:
        raise WireError("unknown kind of frame: %r" % kind)
    try:
        text = payload.decode()
        value = json.loads(text)
        return _encodable(value) if "\\ud" in text or "\\uD" in text else value
    except RecursionError:
        raise WireError("a message that is nested too deep") from None


def _encodable(value: Any) -> Any:
    """JSON may escape half a surrogate pair, which is no character: "?" in its place."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return value


class Reader:
    """Frames out of a `read(n)` that may return less than n; b"" is the end."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self.size = 0  # bytes of the last frame's payload
        self._held = b""
        self._at = 0  # what comes before it in `_held` has been taken

    def _take(self, size: int) -> bytes:
        start, end = self._at, self._at + size
        if end <= len(self._held):
            self._at = end
            return self._held[start:end]
        parts, missing = [self._held[start:]], end - len(self._held)
        while missing > 0:
            parts.append(self._more(max(CHUNK, missing)))
            missing -= len(parts[-1])
        self._held = parts.pop()
        self._at = len(self._held) + missing  # `missing` bytes too many came with the last
        return b"".join([*parts, self._held[: self._at]])

    def _more(self, size: int) -> bytes:
        more = self._read(size)
        if not more:
            raise EOFError
        return more

    def line(self, limit: int = CHUNK) -> bytes:
        """The next line, without its newline. Raises EOFError, or WireError past `limit` bytes."""
        held, self._held, self._at = self._held[self._at :], b"", 0
        while b"\n" not in held:
            if len(held) > limit:
                raise WireError("no line end within %d bytes" % limit)
            held += self._more(CHUNK)
        line, _, self._held = held.partition(b"\n")
        return line

    def frame(self) -> tuple[int, Any]:
        """(call number, JSON value or bytes). Raises EOFError or WireError."""
        size, call, kind = HEADER.unpack(self._take(HEADER.size))
        if size > MAX_PAYLOAD:
            raise WireError("a frame of %d bytes" % size)
        self.size = size
        payload = self._take(size)
        if self._at == len(self._held):  # it may hold a credential, and the next frame may take long
            self._held, self._at = b"", 0
        return call, decode(kind, payload)
