"""TLS connections to the storage service, under the endpoint's name wherever its address is."""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import TYPE_CHECKING, Tuple

if TYPE_CHECKING:
    from .blob import Source

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0


def secured(target: Tuple[str, int], host: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A TLS connection to `target` (address, port) under the name `host`. Raises OSError."""
    plain = socket.create_connection(target, CONNECT_TIMEOUT)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def connected(source: Source, context: ssl.SSLContext, patience_s: float) -> ssl.SSLSocket:
    """To the source's address under the endpoint's name, as `curl --resolve` does. `patience_s`: of each read."""
    found = secured((source.address or source.host, source.port), source.host, context)
    found.settimeout(patience_s)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found


class Answer(http.client.HTTPResponse):
    """http.client waits for an answer behind each 100 Continue, however many come; nobody asked for one here."""

    def _read_status(self) -> Tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        if status < 200:
            raise http.client.BadStatusLine("%d" % status)
        return version, status, reason


class Connection(http.client.HTTPSConnection):
    response_class = Answer

    def __init__(self, source: Source, patience_s: float = READ_TIMEOUT) -> None:
        self._how = source, source.context(), patience_s
        super().__init__(source.host, source.port, context=self._how[1])

    def connect(self) -> None:
        self.sock = connected(*self._how)
