"""HTTP over a unix socket, whatever the length of its path."""

from __future__ import annotations

import http.client
import os
import socket


class Connection(http.client.HTTPConnection):
    """A socket's address holds 107 bytes of path, so the folder is opened and named by its descriptor."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        folder = os.open(os.path.dirname(self._path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect("/proc/self/fd/%d/%s" % (folder, os.path.basename(self._path)))
        finally:
            os.close(folder)


def request(path: str, method: str, target: str, body: bytes = b"", timeout: float = 30.0) -> tuple[int, bytes]:
    """(status, body) of a JSON request. Raises OSError or http.client.HTTPException."""
    connection = Connection(path, timeout)
    try:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, target, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def healthy(path: str, timeout: float = 2.0) -> bool:
    try:
        return request(path, "GET", "/ping", timeout=timeout)[0] == 200
    except (OSError, http.client.HTTPException):
        return False
