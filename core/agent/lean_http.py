"""GET over one kept TLS connection, many thousand times: http.client reads each head with the e-mail parser.

It takes less than http.client does: a head of HTTP/1.x with a length or chunks, and nothing that two readers could read
differently (a second length, both at once, folded lines, bare line ends). Whatever else comes is `Broken`.
"""

from __future__ import annotations

import re
import socket
import ssl
from typing import Dict, List, Optional, Tuple

MAX_HEAD = 32 * 1024
BUFFER = 64 * 1024
AWAY = 1024 * 1024  # bytes that nobody wants, and that are read so that the connection can be kept
_STATUS = re.compile(rb"HTTP/1\.([01]) ([2-5][0-9][0-9])(?: [^\r\n\0]*)?\r\n")
_FIELDS = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*\r\n)*\r\n")
_KNOWN = re.compile(
    rb"^(connection|content-length|content-range|etag|retry-after|transfer-encoding"
    rb"|x-ms-error-code):([^\r\n]*)\r\n",
    re.IGNORECASE | re.MULTILINE,
)
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\0]*)?\r\n")


class Broken(OSError):
    """The connection ended early, or what came is not the HTTP that is read here. Of no use any more."""


class Gone(Broken):
    """It was closed at the other end before a byte of an answer: a kept one may be."""


class Response:
    """Status and the few fields that are read here, by their lower-case names. Its body has to be read to the end."""

    def __init__(self, wire: "Wire", status: int, headers: Dict[str, str], length: Optional[int]) -> None:
        self.status = status
        self.headers = headers
        self.length = length  # of the body; None: in chunks
        self._wire = wire
        self._left = length or 0
        self._chunked = length is None
        self._first = True
        self._settle()

    def readinto(self, view: memoryview) -> int:
        """How many bytes came, up to the size of `view`; 0 is the end. Raises OSError."""
        if not self._left and self._chunked:
            self._next_chunk()
        if not self._left:
            return 0
        got = self._wire.readinto(view[: self._left] if len(view) > self._left else view)
        self._left -= got
        self._settle()
        return got

    def read(self, limit: int) -> bytes:
        """The body, of which nothing past `limit` bytes is kept; one that goes on and on is left."""
        kept: List[bytes] = []
        view = memoryview(bytearray(BUFFER))
        while True:
            got = self.readinto(view)
            if not got:
                return b"".join(kept)
            kept.append(bytes(view[: min(got, max(limit, 0))]))
            limit -= got
            if limit < -AWAY:
                return b"".join(kept)

    def _settle(self) -> None:
        if not self._left and not self._chunked:
            self._wire.rest = self.headers.get("connection", "").lower() != "close"

    def _next_chunk(self) -> None:
        if not self._first and self._wire.line() != b"\r\n":
            raise Broken("a chunk that does not end where it says")
        self._first = False
        found = _CHUNK.fullmatch(self._wire.line())
        if found is None:
            raise Broken("a chunk without a size")
        self._left = int(found.group(1), 16)
        if not self._left:
            if self._wire.line() != b"\r\n":
                raise Broken("fields after the last chunk")
            self._chunked = False
            self._settle()


class Wire:
    """One connection. `rest`: nothing of an earlier answer is in it, so that it can be asked again."""

    def __init__(self, connected: ssl.SSLSocket) -> None:
        self._socket = connected
        self._held = bytearray(BUFFER)
        self._view = memoryview(self._held)
        self._start = self._end = 0  # of what was received and not yet taken
        self._used = False
        self.rest = True

    def close(self) -> None:
        self._socket.close()

    def interrupt(self) -> None:
        """From another thread: whoever reads gets an OSError."""
        try:
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # the ssl module's own would free what is in use
        except OSError:
            pass

    def get(self, request: bytes) -> Response:
        """Raises Gone, Broken or another OSError."""
        if not self.rest or self._start != self._end:
            raise Broken("an answer that was not asked for")
        kept, self._used, self.rest = self._used, True, False
        self._start = self._end = 0
        try:
            sent = self._socket.send(request)
            if sent < len(request):
                self._socket.sendall(request[sent:])
            self._fill()
        except (ssl.SSLEOFError, ConnectionResetError, BrokenPipeError, Broken, ssl.SSLZeroReturnError) as error:
            raise Gone(str(error)) if kept else error
        head = self._head()
        return Response(self, *_parsed(head))

    def _head(self) -> bytes:
        searched = 0
        while True:
            at = self._held.find(b"\r\n\r\n", searched, self._end)
            if at >= 0:
                self._start = at + 4
                return bytes(self._view[: self._start])
            if self._end >= MAX_HEAD:
                raise Broken("a head of more than 32 KB")
            searched = max(0, self._end - 3)
            self._fill()

    def _fill(self) -> None:
        if self._start == self._end:
            self._start = self._end = 0
        got = self._socket.recv_into(self._view[self._end :])
        if not got:
            raise Broken("the connection ended early")
        self._end += got

    def line(self) -> bytes:
        """With its end. Raises Broken for one of more than 1 KB."""
        while True:
            at = self._held.find(b"\n", self._start, min(self._end, self._start + 1024))
            if at >= 0:
                line = bytes(self._view[self._start : at + 1])
                self._start = at + 1
                return line
            if self._end - self._start >= 1024:
                raise Broken("a line of more than 1 KB")
            waiting = bytes(self._view[self._start : self._end])
            self._held[: len(waiting)] = waiting
            self._start, self._end = 0, len(waiting)
            self._fill()

    def readinto(self, view: memoryview) -> int:
        waiting = self._end - self._start
        if waiting:
            got = min(waiting, len(view))
            view[:got] = self._view[self._start : self._start + got]
            self._start += got
            return got
        got = self._socket.recv_into(view)
        if not got:
            raise Broken("the connection ended early")
        return got


_NAMES = {b"Content-Length": "content-length", b"ETag": "etag", b"Content-Range": "content-range"}


def _value(raw: bytes) -> str:
    return raw.strip(b" \t").decode("latin-1")


def _parsed(head: bytes) -> Tuple[int, Dict[str, str], Optional[int]]:
    """(status, fields, length of the body or None where it comes in chunks). Raises Broken."""
    status = _STATUS.match(head)
    if status is None or _FIELDS.fullmatch(head, status.end()) is None:
        raise Broken("what came is no HTTP answer")
    found = _KNOWN.findall(head, status.end())
    headers = {_NAMES.get(name) or name.decode("ascii").lower(): _value(value) for name, value in found}
    if len(headers) != len(found):
        raise Broken("a field twice")
    if status.group(1) == b"0":
        headers["connection"] = "close"
    code, length, coding = int(status.group(2)), headers.get("content-length", ""), headers.get("transfer-encoding")
    if code in (204, 304):
        return code, headers, 0
    if coding is not None:
        if coding.lower() != "chunked" or length or status.group(1) == b"0":
            raise Broken("a body of which nobody can tell where it ends")
        return code, headers, None
    if not _LENGTH.fullmatch(length):
        raise Broken("a body of which nobody can tell where it ends")
    return code, headers, int(length)
