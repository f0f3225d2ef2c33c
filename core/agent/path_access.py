"""The links of access: is the credential taken, may it list, may others too."""

from __future__ import annotations

import http.client
import time

from .blob import MAX_LISTING, Client
from .faults import Fault
from .path_found import Broken, Passed, Path, service_code, size

LIST_S = 5.0  # of listing: a longer one is counted as far as it came
MISSING = ("ContainerNotFound", "ResourceNotFound", "InvalidResourceName")


def auth(path: Path) -> Passed:
    source = path.source
    try:
        path.client.page(source.prefix, size=1)
    except Fault as fault:
        code = service_code(fault)
        known = (
            not fault.facts
            or code in MISSING
            or code.startswith("Authorization")
            or code == "InsufficientAccountPermissions"
        )
        if not known:  # else it knows who asks, and refuses for a reason that is the next link's
            raise
    if source.lent:
        return Passed("a SAS token accepted that was made of the account key for this; the key stays with the client")
    return Passed("%s accepted" % ("account key" if source.key is not None else "SAS token"))


def list(path: Path) -> Passed:
    source = path.source
    started, marker = time.monotonic(), ""
    while not path.listed and time.monotonic() - started < LIST_S:
        page, marker = path.client.page(source.prefix, marker)
        path.blobs += page
        path.listed = not marker
    where = source.container + ("/" + source.prefix if source.prefix else "")
    if not path.blobs:
        return Passed("%s is empty" % where, "warn", "upload the data, or correct data.prefix")
    more = "" if path.listed else "more than "
    return Passed("%s: %s%d blobs, %s" % (where, more, len(path.blobs), size(path.bytes)))


def anonymous(path: Path) -> Passed:
    """Asks without the credential what must be refused then."""
    client = path.nobody()
    client.version = path.client.version
    try:
        lists = _open(client)
        blob = path.blobs[0].name if path.blobs else ""
        reads = bool(blob) and _reads(client, blob)
    finally:
        client.close()
    if not lists and not reads:
        asked = "neither the list nor a blob is" if blob else "the list is not"
        return Passed("%s given to who has no credential" % asked)
    may = "list and read it" if lists and reads else "list it" if lists else "read its blobs by name"
    raise Broken(
        "whoever reaches the service can %s, without any credential" % may,
        "set the container's public access level to Private in the portal, now; then ask who may have read it",
        ends=False,
    )


def _open(client: Client) -> bool:
    response = client.look()
    body = response.read(MAX_LISTING)
    return response.status == 200 and b"<EnumerationResults" in body


def _reads(client: Client, name: str) -> bool:
    try:
        response = client.blob(name, 0, 0)
    except Fault:
        return False
    except http.client.HTTPException:
        return False
    response.read(1)
    return response.status in (200, 206)
