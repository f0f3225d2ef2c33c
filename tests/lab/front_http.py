"""Requests and answers of the front as they go over the wire, with what goes wrong on the way."""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import struct
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import IO
from urllib.parse import urlsplit

from . import front_auth
from .front_faults import Faults

WORDS = {
    "InvalidHeaderValue": "The value for one of the HTTP headers is not in the correct format.",
    "AuthenticationFailed": "Server failed to authenticate the request. Make sure the value of Authorization header "
    "is formed correctly including the signature.",
    "AuthorizationPermissionMismatch": "This request is not authorized to perform this operation using this "
    "permission.",
    "ResourceNotFound": "The specified resource does not exist.",
    "ContainerNotFound": "The specified container does not exist.",
    "BlobNotFound": "The specified blob does not exist.",
    "ConditionNotMet": "The condition specified using HTTP conditional header(s) is not met.",
    "InvalidRange": "The range specified is invalid for the current size of the resource.",
    "ServerBusy": "The server is busy.",
    "InternalError": "The server encountered an internal error. Please retry the request.",
    "UnsupportedHttpVerb": "The resource doesn't support the specified HTTP verb.",
}
BODY_FAULTS = ("cut", "reset", "truncate", "shorten", "corrupt", "wrong_md5", "too_long", "spill", "whole")
SPILLED = b"\0" * 1000
PIECE = 256 * 1024


@dataclass
class Request:
    """`headers`: names in lower case."""

    verb: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return front_auth.query_of(self.target)


@dataclass
class Answer:
    """`size`: bytes of `body`. `whole`: the same without the range that was asked for, where there is one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = ()
    size: int = 0
    whole: Answer | None = None
    download: bool = False


def refusal(status: int, code: str, more: str = "", **headers: str) -> Answer:
    inside = f"<Code>{code}</Code><Message>{WORDS[code]}</Message>{more}"
    text = f'<?xml version="1.0" encoding="utf-8"?><Error>{inside}</Error>'
    named = {"x-ms-error-code": code, "Content-Type": "application/xml"}
    return Answer(status, {**named, **headers}, [text.encode()], len(text))


def read(lines: IO[bytes]) -> Request | None:
    """None where the client has closed."""
    first = lines.readline(65536).decode("latin-1").split()
    if len(first) != 3:
        return None
    headers = {}
    while (line := lines.readline(65536).strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Request(first[0], first[1], headers, lines.read(int(headers.get("content-length", "0"))))


class Sending:
    """An answer on its way, with what goes wrong."""

    def __init__(self, client: ssl.SSLSocket, request: Request, answer: Answer, faults: Faults) -> None:
        self._client, self._request, self._faults = client, request, faults
        meets = answer.download and faults.meets(request.path)
        self._has = {name for name in BODY_FAULTS if meets and faults.take(name)}
        if "whole" in self._has and answer.whole is not None:
            answer = replace(answer.whole)
        self._answer = answer
        self._cut = faults.cut_of(answer.size) if meets else None

    def send(self) -> tuple[int, bool]:
        """(bytes of the body, does the connection go on)."""
        answer, has = self._answer, self._has
        size, limit = answer.size, answer.size
        if has & {"cut", "reset", "truncate", "shorten"}:
            limit = size // 2
        if self._cut is not None:
            limit = self._cut
        more = SPILLED if has & {"too_long", "spill"} else b""
        said = limit if "shorten" in has else size + len(more) if "too_long" in has else size
        headers = dict(answer.headers)
        if "wrong_md5" in has:
            named = next((name for name in headers if name.lower() == "content-md5"), "x-ms-blob-content-md5")
            headers[named] = base64.b64encode(bytes(16)).decode()
        head = self._head(headers, said)
        if self._request.verb == "HEAD":
            self._client.sendall(head)
            return 0, True
        sent = self._send_body(head, limit, size // 2 if "corrupt" in has else None)
        if more:
            self._client.sendall(more)
        return sent, self._goes_on(limit < size)

    def _head(self, headers: Mapping[str, str], size: int) -> bytes:
        status = self._answer.status
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, '')}", f"Content-Length: {size}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send_body(self, head: bytes, limit: int, wrong_at: int | None) -> int:
        """Pieces of a block or so; a small body goes with the head."""
        waiting, sent = bytearray(head), 0
        for piece in self._answer.body:
            piece = piece[: limit - sent]
            if wrong_at is not None and sent <= wrong_at < sent + len(piece):
                at = wrong_at - sent
                piece = piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1 :]
            waiting += piece
            sent += len(piece)
            if len(waiting) >= PIECE or self._faults.bytes_per_s:
                self._write(waiting)
                waiting.clear()
            if sent >= limit:
                break
        self._client.sendall(waiting)
        return sent

    def _write(self, data: bytes | bytearray) -> None:
        if not self._faults.bytes_per_s:
            self._client.sendall(data)
            return
        for at in range(0, len(data), 4096):
            self._client.sendall(data[at : at + 4096])
            if self._faults.bytes_per_s:
                time.sleep(min(4096, len(data) - at) / self._faults.bytes_per_s)

    def _goes_on(self, short: bool) -> bool:
        if "reset" in self._has:
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if self._has & {"cut", "reset"} or self._cut is not None:
            return False
        if short and "shorten" not in self._has:
            with contextlib.suppress(OSError):
                self._client.unwrap()
            return False
        return True
