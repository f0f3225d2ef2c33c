"""Real storage for tests: an Azurite over HTTPS for the whole session, and a strict front before it.

Azurite accepts every API version; Stack Hub does not. `StrictFront` answers 400 InvalidHeaderValue to versions
newer than 2019-07-07, can cut a download after some bytes and list few names at a time.
"""

from __future__ import annotations

import http.client
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from core.agent import blob
from core.demo import azurite, certs

NEWEST = "2019-07-07"
REFUSED = (
    b'<?xml version="1.0" encoding="utf-8"?><Error><Code>InvalidHeaderValue</Code><Message>The value for one of '
    b"the HTTP headers is not in the correct format.</Message><HeaderName>x-ms-version</HeaderName></Error>"
)
Described = dict[str, Any]


@contextmanager
def running(folder: Path) -> Iterator[azurite.Storage]:
    """One Azurite in memory; ends with the block, by its own pid."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(words: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with (folder / "azurite.log").open("ab") as log:
            process = subprocess.Popen(
                words, env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        started.append(process)
        return process

    def end(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    try:
        yield azurite.start(folder, begin, end)
    finally:
        for process in started:
            end(process)


@dataclass
class Faults:
    """`cut_after`: bytes of a blob after which the connection ends, each used once. `page`: most names of a listing's
    page, 0 as asked for. `seen`: (path, version, range)."""

    cut_after: list[int] = field(default_factory=list)
    page: int = 0
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def downloads(self) -> list[tuple[str, str, str]]:
        return [entry for entry in self.seen if "comp=list" not in entry[0]]


class StrictFront(http.server.ThreadingHTTPServer):
    """HTTPS on a port of its own, before a storage service."""

    daemon_threads = True

    def __init__(self, storage: azurite.Storage, certificates: certs.Certificates | None = None) -> None:
        self.storage = storage
        self.faults = Faults()
        super().__init__((azurite.ADDRESS, 0), _Handler)
        self.certificates = certificates or storage.certificates
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates.certificate, self.certificates.key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def described(self, container: str) -> Described:
        port = self.server_address[1]
        return replace(self.storage, port=port, certificates=self.certificates).described(container)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what several tests do."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: StrictFront
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        faults, version = self.server.faults, self.headers.get("x-ms-version", "")
        faults.seen.append((self.path, version, self.headers.get("x-ms-range", "")))
        if version > NEWEST:
            self._answer(400, {"x-ms-error-code": "InvalidHeaderValue", "Content-Type": "application/xml"}, REFUSED)
            return
        status, headers, body = self._asked()
        cut = None
        if faults.cut_after and "comp=list" not in self.path and len(body) > faults.cut_after[0]:
            cut = faults.cut_after.pop(0)
        self._answer(status, headers, body, cut)

    def _asked(self) -> tuple[int, dict[str, str], bytes]:
        storage = self.server.storage
        context = ssl.create_default_context(cafile=str(storage.certificates.root))
        context.check_hostname = False  # the front knows who it talks to
        connection = http.client.HTTPSConnection(azurite.ADDRESS, storage.port, context=context)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        headers["Host"] = f"{azurite.HOST}:{storage.port}"
        path = self.path
        if self.server.faults.page and "comp=list" in path:
            path = self._with_page(headers)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            kept = ("content-type", "etag", "x-ms-error-code", "content-range", "date")
            return response.status, {n: v for n, v in response.getheaders() if n.lower() in kept}, response.read()
        finally:
            connection.close()

    def _with_page(self, headers: dict[str, str]) -> str:
        """The path that asks for fewer names; signed anew."""
        path, _, text = self.path.partition("?")
        query = {**dict(parse_qsl(text)), "maxresults": str(self.server.faults.page)}
        source = blob.Source(**self.server.storage.described(path.strip("/")))
        assert source.key is not None
        headers["Authorization"] = blob.signature(source.key, source.account, "GET", path, query, headers)
        return f"{path}?{urlencode(query, quote_via=quote)}"

    def _answer(self, status: int, headers: dict[str, str], body: bytes, cut: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True
            self.connection.close()

    def log_message(self, *_: object) -> None:
        """Tests read `faults.seen` instead."""
