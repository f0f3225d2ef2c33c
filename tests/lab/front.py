"""A storage service as old and as strict as Stack Hub's, that does wrong on demand: HTTPS under a CA of its own.

It stands before Azurite, which accepts every API version, or has made-up blobs and no service behind it.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

from core.agent import blob, blob_signature
from core.demo import azurite, certs

from . import front_auth, front_http
from .front_faults import Answered, Asked, Faults
from .front_http import Answer, Request, refusal
from .made_up import MODIFIED, Container
from .made_up_answers import downloaded, listed, said

NEWEST = "2019-07-07"
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "server"}
AHEAD = 30.0  # seconds that a client may be silent


class StrictFront:
    """On a port of its own. `faults`: what it does wrong, and what it saw.

    `storage`: the service behind it; None: only `containers`, made up, by their names. `folder`: for the
    certificates where none are given. `listener`: a bound socket instead of one on loopback, `address` its own.
    `newest`: API version, in a header or in a SAS. `public`: made-up containers are read by nobody in particular.
    """

    def __init__(
        self,
        storage: azurite.Storage | None = None,
        certificates: certs.Certificates | None = None,
        *,
        containers: Mapping[str, Container] | None = None,
        folder: Path | None = None,
        listener: socket.socket | None = None,
        newest: str = NEWEST,
        public: bool = False,
    ) -> None:
        self.faults = Faults()
        self.credentials: set[str] = set()  # that were ever used: signatures of a SAS, or "key"
        self.containers = dict(containers or {})
        self.newest, self.public = newest, public
        if certificates is None:
            assert storage is not None or folder is not None, "certificates need a folder"
            certificates = storage.certificates if storage else certs.make(folder or Path(), azurite.HOST)
        self.certificates = certificates
        self._behind = storage
        self._socket = listener or socket.create_server((azurite.ADDRESS, 0), backlog=256)
        self._socket.listen(256)
        self.address, self.port = self._socket.getsockname()[:2]
        key = storage.key if storage else base64.b64encode(secrets.token_bytes(64)).decode()
        self.storage = azurite.Storage(self.port, key, certificates)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates.certificate, certificates.key)
        self._numbers = itertools.count()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def described(self, container: str) -> dict[str, Any]:
        """As `core.data.source` describes it, with the account's key."""
        found = {**self.storage.described(container), "address": self.address}
        return found if self.port != 443 else {**found, "endpoint": f"https://{azurite.HOST}"}

    def sas(self, container: str, permissions: str = "rl", seconds: float = 3600, **more: str) -> str:
        """A SAS token of the container."""
        ends = time.time() + seconds
        return front_auth.container_sas(self.storage.key, azurite.ACCOUNT, container, ends, permissions, **more)

    def well(self) -> None:
        """From now on nothing is wrong, and nothing was seen."""
        self.faults = Faults()

    def cut(self) -> None:
        """Ends every open connection, as a cable that is pulled out for a moment."""
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.cut()

    # --- connections

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # stopped
            while True:
                plain, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(plain, next(self._numbers)), daemon=True).start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        upstream = _Upstream(self._behind)
        self._open.add(plain)
        try:
            with contextlib.suppress(OSError, ValueError):  # the client went away, as several tests do
                plain.settimeout(AHEAD)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._context.wrap_socket(plain, server_side=True) as secured:
                    self._open.add(secured)
                    with contextlib.closing(secured.makefile("rb")) as lines:
                        while (request := front_http.read(lines)) and self._exchange(
                            secured, request, upstream, number
                        ):
                            pass
                    self._open.discard(secured)
        finally:
            self._open.discard(plain)
            upstream.close()
            plain.close()

    def _exchange(self, client: ssl.SSLSocket, request: Request, upstream: _Upstream, number: int) -> bool:
        """Answers; False where the connection has ended."""
        faults = self.faults
        answer = self._answer(request, upstream, faults)
        if faults.latency_s:
            time.sleep(faults.latency_s)
        answer.headers.setdefault("Date", formatdate(time.time() + faults.clock_s, usegmt=True))
        sent, goes_on = front_http.Sending(client, request, answer, faults).send()
        faults.answered(Answered(request.verb, request.target, answer.status, sent, number))
        return goes_on

    # --- answers

    def _answer(self, request: Request, upstream: _Upstream, faults: Faults) -> Answer:
        version, query = request.headers.get("x-ms-version", ""), request.query
        credential = front_auth.credential_of(request.target, request.headers)
        entry = Asked(request.target, version, request.headers.get("x-ms-range", request.headers.get("range", "")))
        self.credentials.add(credential)
        good = faults.asked(entry, credential)
        if faults.take("busy"):
            return refusal(503, "ServerBusy", **{"Retry-After": faults.retry_after})
        if faults.take("errors"):
            return refusal(500, "InternalError")
        if version > self.newest:
            return refusal(400, "InvalidHeaderValue", "<HeaderName>x-ms-version</HeaderName>")
        if not good or query.get("sv", "") > self.newest:
            return refusal(403, "AuthenticationFailed")
        container = unquote(request.path.split("/")[1]) if request.path != "/" else ""
        if self._behind is not None and container not in self.containers:
            return upstream.answer(request, faults)
        return self._made_up(request, container, faults)

    def _made_up(self, request: Request, name: str, faults: Faults) -> Answer:
        if request.verb not in ("GET", "HEAD"):
            return refusal(405, "UnsupportedHttpVerb")
        refused, permissions = self._permissions(request, name, faults)
        if refused is not None:
            return refused
        container, query = self.containers.get(name), request.query
        if container is None:
            return refusal(404, "ContainerNotFound")
        if query.get("comp") == "list":
            return listed(name, container, query, faults) if "l" in permissions else _may_not()
        blob_name = unquote(request.path[len(name) + 2 :])
        if not blob_name and query.get("restype") == "container":
            return Answer(200, {"ETag": '"0x1"', "Last-Modified": MODIFIED, **said(request)})
        if "r" not in permissions:
            return _may_not()
        faults.downloading()
        blob = container.find(blob_name)
        return refusal(404, "BlobNotFound") if blob is None else downloaded(blob, request)

    def _permissions(self, request: Request, container: str, faults: Faults) -> tuple[Answer | None, str]:
        credential = front_auth.credential_of(request.target, request.headers)
        now = time.time() + faults.clock_s
        if not credential:
            return (None, "rl") if self.public else (refusal(404, "ResourceNotFound"), "")
        if credential != "key":
            why, permissions = front_auth.sas(request.target, azurite.ACCOUNT, container, self.storage.key, now)
        else:
            headers, key = request.headers, self.storage.key
            why = front_auth.shared_key(request.verb, request.target, headers, azurite.ACCOUNT, key, now)
            permissions = "rwdl"
        if why:
            more = f"<AuthenticationErrorDetail>{why}</AuthenticationErrorDetail>"
            return refusal(403, "AuthenticationFailed", more), ""
        return None, permissions


def _may_not() -> Answer:
    return refusal(403, "AuthorizationPermissionMismatch")


class _Upstream:
    """A kept connection to the service behind."""

    def __init__(self, storage: azurite.Storage | None) -> None:
        self._storage = storage
        self._connection: http.client.HTTPSConnection | None = None

    def answer(self, request: Request, faults: Faults) -> Answer:
        download = request.verb == "GET" and "comp" not in request.query and "restype" not in request.query
        if download:
            faults.downloading()
        target, sent = request.target, request.headers
        if faults.page and request.query.get("comp") == "list":
            target, sent = self._paged(request, faults.page)
        try:
            status, headers, body = self._ask(request, target, sent)
        except (OSError, http.client.HTTPException):
            self.close()  # it closes what was idle
            status, headers, body = self._ask(request, target, sent)
        if faults.listing and "comp=list" in request.target and status == 200:
            body = faults.listing(body.decode()).encode()
        return Answer(status, headers, [body], len(body), download=download and status in (200, 206))

    def _paged(self, request: Request, page: int) -> tuple[str, dict[str, str]]:
        """(target, headers) that ask for fewer names; signed anew, with the account's key."""
        assert self._storage is not None
        query = {**request.query, "maxresults": str(page)}
        source = blob.Source(**self._storage.described(request.path.strip("/")))
        assert source.key is not None
        signed = blob_signature.signature(source.key, source.account, "GET", request.path, query, request.headers)
        return f"{request.path}?{urlencode(query, quote_via=quote)}", {**request.headers, "authorization": signed}

    def _ask(self, request: Request, target: str, sent: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        storage = self._storage
        assert storage is not None
        if self._connection is None:
            context = ssl.create_default_context(cafile=str(storage.certificates.root))
            context.check_hostname = False  # the front knows who it talks to
            self._connection = http.client.HTTPSConnection(azurite.ADDRESS, storage.port, context=context)
        headers = {name: value for name, value in sent.items() if name not in ("host", "connection")}
        headers["Host"] = f"{azurite.HOST}:{storage.port}"
        self._connection.request(request.verb, target, request.body or None, headers)
        response = self._connection.getresponse()
        found = {name: value for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP}
        return response.status, found, response.read()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
