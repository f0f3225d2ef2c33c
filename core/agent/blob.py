"""A small client of Azure blob storage, for the old service of Stack Hub too.

Only what reading a container needs: list and ranged GET, signed with an account key (SharedKey,
the layout of version 2015-02-21 and later) or carrying a SAS token. Standard library only.
"""

from __future__ import annotations

import base64
import binascii
import copy
import email.utils
import http.client
import socket
import ssl
import time
import urllib.parse
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import blob_errors
from .blob_connection import READ_TIMEOUT, Connection
from .blob_signature import signature
from .faults import Fault

VERSIONS = ("2020-10-02", "2019-07-07", "2019-02-02", "2017-11-09")  # newest first: what Stack Hub stamps accept
MAX_LISTING = 64 * 1024 * 1024
PART = 64 * 1024

Query = Dict[str, str]


class Source:
    """Where the data are, as the client describes it; holds the credential in memory only.

    `address`: connect there and keep the endpoint's name for TLS and the Host header. `credential`: an account key, a
    SAS token, or "" for none; `lent`: it is a SAS token that the client made of an account key. `remembered`: the API
    version that the site's service took last, tried before the others where `api_version` is "auto".
    Raises Fault for an endpoint or a credential that cannot be one.
    """

    def __init__(
        self,
        endpoint: str,
        container: str,
        credential: str,
        address: Optional[str] = None,
        prefix: str = "",
        ca_pem: Optional[str] = None,
        api_version: str = "auto",
        remembered: str = "",
        lent: bool = False,
    ) -> None:
        try:
            parts = urllib.parse.urlsplit(endpoint)
            port = parts.port
        except ValueError:
            raise Fault("site", "data.endpoint: not an address", "https://ACCOUNT.blob.REGION.FQDN")
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
            hint = "without a query: a SAS token belongs into data.credential"  # so it is not said again here
            raise Fault("site", "data.endpoint: has to be https://ACCOUNT.blob.REGION.FQDN", hint)
        self.endpoint = endpoint.rstrip("/")
        self.host = parts.hostname
        self.port = port or 443
        self.base = parts.path.rstrip("/")
        self.account = self.base.split("/")[1] if self.base else self.host.split(".")[0]
        self.address = address or None
        self.container = container
        self.prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self.ca_pem = ca_pem
        self.version = None if api_version == "auto" else api_version
        self.versions = (self.version,) if self.version else _versions(remembered)
        self.lent = lent
        self.key, self.sas = _credential(credential)

    def nobody(self) -> Source:
        """The same without the credential."""
        other = copy.copy(self)
        other.key, other.sas = None, {}
        return other

    @property
    def origin(self) -> str:
        """The container's address, as manifests name it."""
        return "%s/%s" % (self.endpoint, self.container)

    def within(self, path: str) -> str:
        """The blob name, or the prefix of blob names, that `path` (relative to the site's prefix) means."""
        return self.prefix + path.lstrip("/")

    def resolve(self) -> List[Tuple[Any, ...]]:
        """Socket addresses to try. Raises OSError."""
        found = socket.getaddrinfo(self.address or self.host, self.port, type=socket.SOCK_STREAM)
        return [entry[4] for entry in found]

    def context(self) -> ssl.SSLContext:
        """Trusts the site's CA besides the system's. Raises Fault for a bundle that is none."""
        context = ssl.create_default_context()
        context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)  # Python 3.8 leaves it open
        if self.ca_pem:
            try:
                context.load_verify_locations(cadata=self.ca_pem)
            except ssl.SSLError:
                raise Fault("site", "data.ca_bundle: not a certificate in PEM form", "it begins with -----BEGIN")
        return context


def _versions(remembered: str) -> Tuple[str, ...]:
    """In the order to try: from the remembered one downwards, then, as it works no more, the newer ones."""
    start = VERSIONS.index(remembered) if remembered in VERSIONS else 0
    return VERSIONS[start:] + VERSIONS[:start]


def _credential(text: str) -> Tuple[Optional[bytes], Dict[str, str]]:
    """(account key, {}) or (None, the SAS token's parameters, which may be none). Raises Fault."""
    text = text.strip()
    if not text:
        return None, {}
    if "sig=" in text:
        words = dict(urllib.parse.parse_qsl(text.partition("?")[2] or text, keep_blank_values=True))
        if not words.get("sig") or any("sig=" in words[word] for word in words if word != "sig"):
            hint = "its words are joined by & alone; was it changed when it was copied?"
            raise Fault("secret", "data.credential: a SAS token that cannot be read", hint)
        return None, words
    try:
        key = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not key:
        hint = "an account key is base64, a SAS token has sig=; a connection string is neither"
        raise Fault("secret", "data.credential: neither an account key nor a SAS token", hint)
    return key, {}


def _listing(response: http.client.HTTPResponse, wait: Callable[[float], object]) -> bytes:
    """The whole body, however slowly it comes. Raises Fault, OSError, HTTPException, and what `wait` does."""
    parts, came, length = [], 0, response.length  # which read1 of an older Python does not count down
    while came != length:
        part = response.read1(PART if length is None else min(PART, length - came))
        if not part:
            break
        wait(0)
        parts.append(part)
        came += len(part)
        if came > MAX_LISTING:
            raise Fault("data", "the storage service sent a listing of more than 64 MB", "is this a blob endpoint?")
    response.close()  # the connection stays
    return b"".join(parts)


class Client:
    """Requests over one kept connection. Not for several threads.

    `version` is the API version that worked; `skew_s` is the service's clock minus ours.
    """

    def __init__(self, source: Source, patience_s: float = READ_TIMEOUT) -> None:
        self.source = source
        self._patience_s = patience_s
        self.version = source.version
        self.skew_s: Optional[float] = None
        self._connection: Optional[Connection] = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def get(self, path: str, query: Query, headers: Optional[Dict[str, str]] = None) -> http.client.HTTPResponse:
        """A response of status 2xx, its body not yet read. Raises Fault; OSError or HTTPException for the link.

        With the version not known yet, tries those of the source in their order.
        """
        candidates = (self.version,) if self.version else self.source.versions
        for version in candidates:
            response = self._send(version, path, query, headers or {})
            if 200 <= response.status < 300:
                self.version = version
                return response
            refused = blob_errors.read(response)
            busy = refused.status in blob_errors.BUSY
            if refused.code != "InvalidHeaderValue" and not self.version and not busy:
                self.version = version  # it is understood, whatever else is wrong
            if refused.code != "InvalidHeaderValue" or version == candidates[-1]:
                raise blob_errors.fault(refused, self, ", ".join(candidates))
        raise AssertionError("no version to try")

    def look(self) -> http.client.HTTPResponse:
        """What answers a listing of one blob, whatever it is, unread. Raises OSError, HTTPException."""
        query = {"restype": "container", "comp": "list", "maxresults": "1"}
        return self._send(self.version or self.source.versions[0], self._container(), query, {})

    def _send(self, version: str, path: str, query: Query, headers: Dict[str, str]) -> http.client.HTTPResponse:
        source = self.source
        path = source.base + path
        headers = dict(headers)
        headers["x-ms-version"] = version
        headers["x-ms-date"] = email.utils.formatdate(usegmt=True)
        sent = dict(query)
        if source.key is not None:
            headers["Authorization"] = signature(source.key, source.account, "GET", path, query, headers)
        else:
            sent.update(source.sas)
        target = path + "?" + urllib.parse.urlencode(sent, quote_via=urllib.parse.quote) if sent else path
        fresh = self._connection is None
        try:
            response = self._exchange(target, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.close()
            if fresh:
                raise
            response = self._exchange(target, headers)  # a kept connection had been closed at the other end
        self._note_clock(response)
        return response

    def _exchange(self, target: str, headers: Dict[str, str]) -> http.client.HTTPResponse:
        if self._connection is None:
            self._connection = Connection(self.source, self._patience_s)
        try:
            self._connection.request("GET", target, headers=headers)
            return self._connection.getresponse()
        except BaseException:
            self.close()
            raise

    def _note_clock(self, response: http.client.HTTPResponse) -> None:
        try:
            sent = email.utils.parsedate_to_datetime(response.headers["Date"]).timestamp()
        except (TypeError, ValueError, IndexError, OverflowError):
            return
        self.skew_s = sent - time.time()

    def page(
        self, prefix: str, marker: str = "", size: int = 5000, wait: Callable[[float], object] = time.sleep
    ) -> Tuple[List[Any], str]:
        """(blobs, the next page's marker or "") of the names that begin with `prefix`. `wait`: of the call, which may
        have been cancelled.
        """
        from . import blob_list

        query = {"restype": "container", "comp": "list", "maxresults": str(size), "prefix": prefix, "marker": marker}
        response = self.get(self._container(), {name: value for name, value in query.items() if value})
        return blob_list.parse(_listing(response, wait))

    def blob(self, name: str, first: int = 0, last: Optional[int] = None, etag: str = "") -> http.client.HTTPResponse:
        """The bytes `first` to `last` (inclusive) of a blob, unread. `etag`: only if it is still this one."""
        headers = {"If-Match": etag} if etag else {}
        if first or last is not None:
            headers["x-ms-range"] = "bytes=%d-%s" % (first, "" if last is None else last)
        return self.get(self._container() + "/" + urllib.parse.quote(name, safe="/~"), {}, headers)

    def _container(self) -> str:
        return "/" + urllib.parse.quote(self.source.container)
