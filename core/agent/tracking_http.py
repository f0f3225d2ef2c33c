"""HTTP/1.1 on the tracking socket: keep-alive, chunked bodies, bodies of any size without holding them."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple
from urllib.parse import parse_qsl, urlsplit

from .tracking_rules import BATCH_BYTES, STATUS, Refused, invalid, no_surrogates, whole

IDLE_S = 600.0  # a connection that says nothing for so long is closed
CHUNK = 256 * 1024
JSON_BYTES = 1024 * 1024
LIMITS = {  # where MLflow's clients send more or less
    "/mlflow/runs/log-batch": BATCH_BYTES,
    "/mlflow/runs/log-inputs": 20 * 1024 * 1024,  # a dataset has a schema of 1 MB and a profile of 16 MB at most
}
LIGHT_BYTES = 8 * 1024  # a longer body waits for its turn: what is read and parsed is not the job's memory but ours
TURN_S = 60.0  # for a longer body to come
PARTS = 100_000  # values and names of a body; a full batch of MLflow's has 22,000
DRAIN_BYTES = 64 * 1024**3  # of a refused body are read, so that the client sees the answer

# answers with JSON, text, or a file to send
Route = Callable[["Request"], Any]


class Request:
    """`values`: the path's parts, the query and the JSON body in one."""

    def __init__(self, values: Dict[str, Any], body: Iterator[bytes], size: Optional[int]) -> None:
        self.values = values
        self.body = body  # chunks of a raw body; to be read once
        self.size = size  # as announced; None where it comes in chunks

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def need(self, key: str) -> Any:
        value = self.values.get(key)
        if value is None or value == "":
            raise invalid("Missing value for required parameter '%s'." % key)
        return value

    def list(self, key: str) -> List[Any]:
        value = self.values.get(key) or []
        if not isinstance(value, list):
            raise invalid("Invalid value for parameter '%s': a list is needed" % key)
        return value

    def dicts(self, key: str) -> List[Dict[str, Any]]:
        found = self.list(key)
        if not all(isinstance(item, dict) for item in found):
            raise invalid("Invalid value for parameter '%s': a list of objects is needed" % key)
        return found


class File:
    """An answer that is the content of a file."""

    def __init__(self, path: str) -> None:
        self.path = path


class Handler(BaseHTTPRequestHandler):
    """One connection. `find(method, path)` gives the route, its captured parts, and whether its body is raw.

    One longer JSON body at a time is read, parsed and carried out.
    """

    protocol_version = "HTTP/1.1"
    server_version = "trainshed"
    sys_version = ""
    timeout = IDLE_S
    wbufsize = 64 * 1024
    find: Callable[[str, str], Tuple[Route, Dict[str, str], bool]]
    turn: threading.Lock  # of all connections

    def address_string(self) -> str:
        return "job"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _handle(self) -> None:
        self._chunks: Iterator[bytes] = iter(())
        try:
            size = self._announced()
            self._chunks = self._chunked() if size is None else self._plain(size)
            self._answer(self._carry_out(size))
        except Refused as refused:
            self._refuse(refused)
        except (ConnectionError, socket.timeout, EOFError):
            self.close_connection = True
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self._refuse(Refused("INTERNAL_ERROR", "the tracking server failed (%s)" % type(error).__name__))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - names that http.server asks for

    def do_HEAD(self) -> None:
        self._refuse(Refused("ENDPOINT_NOT_FOUND", "HEAD is not answered"))

    def _carry_out(self, size: Optional[int]) -> Any:
        split = urlsplit(self.path)
        route, captured, raw = type(self).find(self.command, split.path)
        values: Dict[str, Any] = dict(parse_qsl(split.query, keep_blank_values=True))
        if raw:
            return route(Request({**values, **captured}, self._chunks, size))
        limit = next((most for name, most in LIMITS.items() if split.path.endswith(name)), JSON_BYTES)
        if size is not None and size > limit:
            raise _too_long(limit, size)
        if size is not None and size <= LIGHT_BYTES:
            return route(Request({**values, **self._json(limit), **captured}, self._chunks, size))
        with type(self).turn:
            return route(Request({**values, **self._json(limit, TURN_S), **captured}, self._chunks, size))

    def _announced(self) -> Optional[int]:
        """The body's size in bytes; None where it comes in chunks."""
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            return None
        text = self.headers.get("Content-Length") or "0"
        if not text.isdigit():
            self.close_connection = True
            raise Refused("BAD_REQUEST", "a bad Content-Length")
        return int(text)

    def _json(self, limit: int, seconds: float = IDLE_S) -> Dict[str, Any]:
        """The body, which has to be there within so many seconds."""
        until = time.monotonic() + seconds
        held = bytearray()
        self.connection.settimeout(seconds)
        try:
            for chunk in self._chunks:
                held += chunk
                if len(held) > limit:
                    raise _too_long(limit, len(held))
                if time.monotonic() > until:
                    raise EOFError
        finally:
            self.connection.settimeout(IDLE_S)
        return _parsed(held) if held else {}

    def _plain(self, size: int) -> Iterator[bytes]:
        while size:
            chunk = self.rfile.read1(min(CHUNK, size))
            if not chunk:
                raise EOFError
            size -= len(chunk)
            yield chunk

    def _chunked(self) -> Iterator[bytes]:
        while True:
            line = self.rfile.readline(128)
            try:
                size = int(line.split(b";")[0].strip(), 16)
            except ValueError:
                raise EOFError from None
            if size < 0:
                raise EOFError
            for chunk in self._plain(size):
                yield chunk
            if size:
                self.rfile.readline(128)
                continue
            while self.rfile.readline(8192).strip():
                pass  # trailers
            return

    def _refuse(self, refused: Refused) -> None:
        try:
            self._drain()
            self._answer({"error_code": refused.code, "message": refused.message}, STATUS.get(refused.code, 400))
        except (ConnectionError, socket.timeout, EOFError):
            self.close_connection = True

    def _drain(self) -> None:
        """Reads what is left of the body: a client that is still sending would not see the answer."""
        seen = 0
        for chunk in self._chunks:
            seen += len(chunk)
            if seen > DRAIN_BYTES:
                raise EOFError

    def _answer(self, answer: Any, status: int = 200) -> None:
        if isinstance(answer, File):
            self._send_file(answer.path)
            return
        text = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        kind = "text/plain" if isinstance(answer, str) else "application/json"
        self._head(status, kind, len(text))
        self.wfile.write(text)

    def _head(self, status: int, kind: str, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def _send_file(self, path: str) -> None:
        with open(path, "rb") as file:
            left = os.fstat(file.fileno()).st_size
            self._head(200, "application/octet-stream", left)
            while left:
                chunk = file.read(min(CHUNK, left))
                if not chunk:
                    self.close_connection = True
                    return
                self.wfile.write(chunk)
                left -= len(chunk)


def _too_long(limit: int, size: int) -> Refused:
    return invalid("Logging requests must be at most %d bytes, got a request of size %d." % (limit, size))


def _parsed(held: bytearray) -> Dict[str, Any]:
    """Raises Refused, before it makes anything of a body that has too many parts."""
    parts = _parts(held)
    if parts > PARTS:
        raise invalid("Logging requests must have at most %d values and names, got %d or more." % (PARTS, parts))
    try:
        text = held.decode()
        held.clear()
        value = no_surrogates(json.loads(text, parse_int=whole))
    except (ValueError, RecursionError):
        raise Refused("BAD_REQUEST", "the body is not JSON")
    if not isinstance(value, dict):
        raise Refused("BAD_REQUEST", "the body is not a JSON object")
    return value


def _parts(held: bytearray) -> int:
    """How many values and names a JSON text has, or more; the text of a string has none."""
    most = held.count(b'"') // 2 + _structure(held)
    if most <= PARTS:
        return most
    bare = held.replace(b"\\\\", b"").replace(b'\\"', b"")  # what escapes nothing is not JSON
    texts = bare.count(b'"') // 2
    return texts if texts > PARTS else texts + sum(map(_structure, bare.split(b'"')[::2]))


def _structure(text: bytearray) -> int:
    return text.count(b"{") + text.count(b"[") + text.count(b",")
