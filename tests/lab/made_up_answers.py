"""How the front answers for made-up blobs: as the REST reference describes it, conditions, ranges and MD5 included."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping

from .front_faults import Faults
from .front_http import Answer, Request, refusal
from .made_up import MODIFIED, Blob, Container, listing

MD5_BYTES = 4 << 20  # of a longer range the service tells no MD5


def said(request: Request) -> dict[str, str]:
    return {"x-ms-version": request.headers.get("x-ms-version", ""), "x-ms-request-id": secrets.token_hex(8)}


def listed(name: str, container: Container, query: Mapping[str, str], faults: Faults) -> Answer:
    try:
        marker = base64.urlsafe_b64decode(query.get("marker", "")).decode()
    except ValueError:
        marker = ""  # of a lie
    blobs, following = container.page(query.get("prefix", ""), marker, int(query.get("maxresults", "5000")))
    text = listing(name, blobs, base64.urlsafe_b64encode(following.encode()).decode())
    body = (faults.listing(text) if faults.listing else text).encode()
    return Answer(200, {"Content-Type": "application/xml"}, [body], len(body))


def downloaded(blob: Blob, request: Request) -> Answer:
    """As the service answers a GET of a blob, conditions, ranges and MD5 included."""
    wanted = request.headers.get("if-match")
    if wanted and wanted not in ("*", blob.etag):
        return refusal(412, "ConditionNotMet")
    headers = {"ETag": blob.etag, "Last-Modified": MODIFIED, "x-ms-blob-type": "BlockBlob", "Accept-Ranges": "bytes"}
    headers |= {"Content-Type": "application/octet-stream", **said(request)}
    md5 = {"Content-MD5": blob.content_md5} if blob.md5 else {}
    whole = Answer(200, {**headers, **md5}, blob.read(), blob.size, download=True)
    text = request.headers.get("x-ms-range") or request.headers.get("range") or ""
    if not text.startswith("bytes="):
        return whole
    start, _, end = text[len("bytes=") :].partition("-")
    first, last = int(start), min(int(end) if end else blob.size - 1, blob.size - 1)
    if first >= blob.size:
        return refusal(416, "InvalidRange", **{"Content-Range": f"bytes */{blob.size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{blob.size}"
    if blob.md5:
        headers["x-ms-blob-content-md5"] = blob.content_md5
    body: Iterable[bytes] = blob.read(first, last)
    if request.headers.get("x-ms-range-get-content-md5", "").lower() == "true":
        if last - first >= MD5_BYTES:
            return refusal(400, "InvalidHeaderValue", "<HeaderName>x-ms-range-get-content-md5</HeaderName>")
        body = [b"".join(body)]
        headers["Content-MD5"] = base64.b64encode(hashlib.md5(body[0], usedforsecurity=False).digest()).decode()
    return Answer(206, headers, body, last - first + 1, whole, download=True)
