"""HTTP over a unix socket in a folder that a sandbox may write to: what is there, and what it says, is foreign."""

from __future__ import annotations

import http.client
import io
import os
import socket
import stat
import time
from typing import Any, Tuple

ANSWER_BYTES = 1 << 20  # status, headers and body together
PING_BYTES = 4096


class _Timed(io.RawIOBase):
    """What comes out of a socket until the deadline, and no more than `limit` bytes. Raises OSError, HTTPException."""

    def __init__(self, sock: socket.socket, until: float, limit: int) -> None:
        super().__init__()
        self._sock = sock
        self._until = until
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.limit_time()
        chunk = self._sock.recv(min(len(buffer), self._left + 1))
        self._left -= len(chunk)
        if self._left < 0:
            raise http.client.HTTPException("the answer is too long")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def limit_time(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        self._sock.settimeout(left)


class _Socket:
    """As much of a socket as http.client uses."""

    def __init__(self, sock: socket.socket, until: float, limit: int) -> None:
        self._sock = sock
        self._incoming = _Timed(sock, until, limit)

    def sendall(self, data: bytes) -> None:
        self._incoming.limit_time()
        self._sock.sendall(data)

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(self._incoming)

    def close(self) -> None:
        self._sock.close()


def _connected(path: str, until: float) -> socket.socket:
    """To that very socket: a symbolic link in its place leads nowhere. Its path may be longer than 107 bytes."""
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        place = os.open(os.path.basename(path), os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        if not stat.S_ISSOCK(os.fstat(place).st_mode):
            raise ConnectionRefusedError("not a socket")
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.settimeout(max(until - time.monotonic(), 0.001))
            sock.connect("/proc/self/fd/%d" % place)
        except BaseException:
            sock.close()
            raise
        return sock
    finally:
        os.close(place)


def request(
    path: str, method: str, target: str, body: bytes = b"", timeout: float = 30.0, limit: int = ANSWER_BYTES
) -> Tuple[int, bytes]:
    """(status, body) of a JSON request. `timeout`: seconds for all of it. Raises OSError or HTTPException."""
    until = time.monotonic() + timeout
    connection = http.client.HTTPConnection("localhost")
    sock: Any = _Socket(_connected(path, until), until, limit)
    connection.sock = sock
    try:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, target, body or None, headers)
        answer = connection.getresponse()
        found = answer.read(limit)  # not read(): that makes room for as much as the other end announces
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        return answer.status, found
    except ValueError as error:
        raise http.client.HTTPException(str(error))
    finally:
        connection.close()


def healthy(path: str, timeout: float = 2.0) -> bool:
    try:
        return request(path, "GET", "/ping", timeout=timeout, limit=PING_BYTES)[0] == 200
    except (OSError, http.client.HTTPException):
        return False
