"""What is asked of the storage service while blobs are fetched, and what its answers mean. For several threads."""

from __future__ import annotations

import email.utils
import re
import time
import urllib.parse
from typing import Any, Dict, Optional, Tuple

from . import blob_errors
from .blob import Client
from .blob_connection import READ_TIMEOUT, connected
from .blob_list import Blob
from .blob_signature import signature
from .faults import Fault
from .lean_http import Broken, Response, Wire

LONGEST_WAIT_S = 120.0  # that a Retry-After may ask for
_VALUE = re.compile(r"[\x20-\x7e]*")
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


class Busy(Exception):
    """Asked to come back later. `wait_s`: as the service says, else None."""

    def __init__(self, code: str, wait_s: Optional[float]) -> None:
        super().__init__(code)
        self.code = code
        self.wait_s = wait_s


class Changed(Exception):
    """The blob is no longer the one that was listed."""


class Asker:
    """`client` has listed the container, so that the API version is known."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._source = source = client.source
        self._version = client.version or ""
        self._context = source.context()
        host = "[%s]" % source.host if ":" in source.host else source.host
        host = host if source.port == 443 else "%s:%d" % (host, source.port)
        self._base = "%s/%s/" % (source.base, urllib.parse.quote(source.container))
        query = "?" + urllib.parse.urlencode(source.sas, quote_via=urllib.parse.quote) if source.sas else ""
        fixed = [" HTTP/1.1", "Host: " + host, "Accept-Encoding: identity", "x-ms-version: " + self._version]
        if not all(map(_VALUE.fullmatch, fixed)):
            raise Fault("site", "data.endpoint or data.api_version: not what a request can hold", "correct it")
        lines = [(query + fixed[0]).replace("%", "%%"), *(line.replace("%", "%%") for line in fixed[1:])]
        self._start = "GET %s" + "\r\n".join(lines) + "\r\nx-ms-date: %s\r\n"
        self._date: Tuple[int, str] = (0, "")

    def connect(self) -> Wire:
        """Raises OSError."""
        return Wire(connected(self._source, self._context, READ_TIMEOUT))

    def ask(self, wire: Wire, blob: Blob, first: int, last: int) -> Response:
        """The bytes `first` to `last` of a blob, unread. Raises Busy, Changed, Fault, OSError."""
        whole = first == 0 and last == blob.size - 1
        response = wire.get(self._request(blob, "" if whole else "bytes=%d-%d" % (first, last)))
        if response.status not in (200, 206):
            raise self._refused(response)
        if not whole and response.status != 206:
            raise Fault("data", "the storage service does not send parts of a blob", "is the endpoint a blob service?")
        etag = response.headers.get("etag", "")
        if blob.etag and etag and etag.strip('"') != blob.etag.strip('"'):
            raise Changed
        if response.status == 206:
            _check_range(response.headers.get("content-range", ""), first, last, blob)
        if response.length is not None and response.length != last - first + 1:
            raise other_size() if whole else Broken("fewer or more bytes than were asked for")
        return response

    def _request(self, blob: Blob, range_: str) -> bytes:
        path = self._base + urllib.parse.quote(blob.name, safe="/~")
        etag = blob.etag if blob.etag.startswith('"') or not blob.etag else '"%s"' % blob.etag
        if not _VALUE.fullmatch(etag):
            raise Fault("data", "the ETag of blob %r is none" % blob.name, "is the endpoint a blob service?")
        text = self._start % (path, self._now())
        if etag:
            text += "If-Match: %s\r\n" % etag
        if range_:
            text += "x-ms-range: %s\r\n" % range_
        if self._source.key is not None:
            text += "Authorization: %s\r\n" % self._signed(path, etag, range_)
        return (text + "\r\n").encode("ascii")

    def _signed(self, path: str, etag: str, range_: str) -> str:
        source, headers = self._source, {"x-ms-version": self._version, "x-ms-date": self._now()}
        headers.update({name: value for name, value in (("If-Match", etag), ("x-ms-range", range_)) if value})
        return signature(source.key or b"", source.account, "GET", path, {}, headers)

    def _now(self) -> str:
        second, text = self._date
        now = int(time.time())
        if second != now:
            text = email.utils.formatdate(now, usegmt=True)
            self._date = now, text
        return text

    def _refused(self, response: Any) -> Exception:
        refused = blob_errors.read(response)
        if response.status in blob_errors.BUSY:
            return Busy(refused.code or str(response.status), _seconds(response.headers))
        gone = response.status == 404 and refused.code in ("BlobNotFound", "ResourceNotFound", "")
        if response.status in (412, 416) or gone:
            return Changed()
        return blob_errors.fault(refused, self._client, self._version)


def other_size() -> Fault:
    return Fault("data", "a blob has another size than the listing says", "it was changed: stage again")


def _check_range(text: str, first: int, last: int, blob: Blob) -> None:
    """Raises Fault where the blob has another size, Broken where it is another part."""
    found = _RANGE.fullmatch(text)
    if found is None:
        raise Broken("a part of a blob that does not say which")
    if int(found.group(3)) != blob.size:
        raise other_size()
    if (int(found.group(1)), int(found.group(2))) != (first, last):
        raise Broken("another part of the blob than was asked for")


def _seconds(headers: Dict[str, str]) -> Optional[float]:
    """Of Retry-After, as seconds or as a date; None where there is none."""
    text = headers.get("retry-after", "")
    if text.isascii() and text.isdigit() and len(text) < 9:
        return min(float(text), LONGEST_WAIT_S)
    try:
        left = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return min(max(left, 0.0), LONGEST_WAIT_S)
