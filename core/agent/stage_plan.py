"""What to stage: the listing of a part of a container as safe paths, and the digest of what came of it."""

from __future__ import annotations

import hashlib
import http.client
import re
import ssl
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Set, Tuple

from . import data_folder, data_manifests
from .blob import Client
from .blob_errors import BUSY
from .blob_list import Blob
from .faults import Fault
from .fetch_rate import backoff

TRIES = 6  # of one page
LONGEST, DEEPEST = 1024, 254  # characters and parts of a blob's name, as the service has it
EMPTY_PAGES = 50  # in a row; a few may come between partitions of the service


class Plan(NamedTuple):
    """What to fetch. `blobs`: relative path -> blob; `listing`: a digest of where from, names, sizes and ETags.

    `path`: as asked for; `within`: the same with the site's prefix.
    """

    origin: str
    path: str
    within: str
    blobs: Dict[str, Blob]
    folders: List[str]
    listing: str

    def source(self) -> Dict[str, Any]:
        etags = {path: blob.etag for path, blob in self.blobs.items()}
        named = {"source": self.origin, "path": self.path, "within": self.within, "listing": self.listing}
        return dict(named, etags=etags)

    @property
    def bytes(self) -> int:
        return sum(blob.size for blob in self.blobs.values())

    @property
    def family(self) -> str:
        """See data_folder."""
        return data_folder.family(self.origin, self.within)


def plan(client: Client, path: str, wait: Callable[[float], object]) -> Plan:
    """Lists the container. `wait` sleeps, and raises when the call is cancelled. Raises Fault, OSError."""
    wanted = client.source.within(path)
    single = bool(path) and not path.endswith("/")
    found = _listed(client, wanted, single, wait)
    if not found:
        where = "%s/%s" % (client.source.container, wanted)
        hint = 'a path is a blob, or a folder with a "/" at its end, below the prefix of the site'
        raise Fault("usage", "there is nothing at %s" % where, hint)
    blobs, folders = relative(found, len(data_manifests.beginning(wanted)))
    origin = client.source.origin
    lines = ["%s\0%d\0%s" % (blob.name, blob.size, blob.etag) for blob in found]
    listing = hashlib.sha256("\n".join([origin, wanted, *sorted(lines)]).encode("utf-8")).hexdigest()
    return Plan(origin, path, wanted, blobs, folders, listing)


def _listed(client: Client, wanted: str, single: bool, wait: Callable[[float], object]) -> List[Blob]:
    """Raises Fault for a listing that has no end, or that has what nobody asked for."""
    found: Dict[str, Blob] = {}
    marker, empty = "", 0
    while True:
        page, marker = _page(client, wanted, marker, wait)
        before = len(found)
        found.update((blob.name, blob) for blob in page)
        empty = 0 if page else empty + 1
        if (page and len(found) == before) or empty > EMPTY_PAGES:
            raise Fault("data", "the storage service's listing does not end", "is it a blob service?")
        if not marker or (single and found):  # the name itself comes before all that begin with it
            break
    if not all(name.startswith(wanted) for name in found):
        raise Fault("data", "the storage service lists blobs that were not asked for", "is it a blob service?")
    if not all(blob.etag for blob in found.values()):  # nothing else tells that a blob has changed
        raise Fault("data", "the storage service lists blobs without an ETag", "is it a blob service?")
    return [found[wanted]] if single and wanted in found else [] if single else list(found.values())


def _page(client: Client, wanted: str, marker: str, wait: Callable[[float], object]) -> Tuple[List[Blob], str]:
    """Asked again where the service is busy or the connection breaks."""
    for times in range(1, TRIES):
        wait(0)
        try:
            return client.page(wanted, marker, wait=wait)
        except Fault as fault:
            if fault.facts.get("status") not in BUSY:
                raise
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, ssl.SSLCertVerificationError):
                raise
        client.close()
        wait(backoff(times))
    return client.page(wanted, marker, wait=wait)


def relative(found: List[Blob], start: int) -> Tuple[Dict[str, Blob], List[str]]:
    """(relative path -> blob, folders to make). Raises Fault for a name that a folder here cannot hold."""
    names = {blob.name[start:]: blob for blob in found}
    parents = _parents(names)
    blobs: Dict[str, Blob] = {}
    folders = []
    for name, blob in names.items():
        if blob.size == 0 and (name == "" or name.endswith("/") or name in parents):
            if name.strip("/"):  # the mark of an empty folder, as many tools leave it
                folders.append(safe(name.strip("/")))
            continue
        if name in parents:
            raise Fault("data", "%r is a blob and a folder at once" % blob.name, "rename one of them")
        blobs[safe(name)] = blob
    return blobs, sorted(folders)


def _parents(names: Iterable[str]) -> Set[str]:
    """Every folder that a name is in, at any depth."""
    found: Set[str] = set()
    for name in names:
        above, slash, _ = name.rpartition("/")
        while slash and above not in found:
            found.add(above)
            above, slash, _ = above.rpartition("/")
    return found


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN = re.compile(r"[A-Za-z0-9_\-]{1,200}(?:[./][A-Za-z0-9_\-]{1,200}){0,3}")  # of which each is safe


def safe(name: str) -> str:
    """The same name. Raises Fault where it would leave the folder or is no file name here."""
    if len(name) < 200 and _PLAIN.fullmatch(name):
        return name
    parts = name.split("/")
    if len(name) > LONGEST or len(parts) > DEEPEST:  # deeper folders could not even be deleted again
        raise Fault("data", "the blob name %r… is longer than a blob's can be" % name[:60], "is it a blob service?")
    if any(part in ("", ".", "..") for part in parts):
        raise Fault("data", "the blob name %r would leave its folder or has an empty part" % name, "rename the blob")
    if _CONTROL.search(name):
        raise Fault("data", "the blob name %r has a control character" % name, "rename the blob")
    if any(len(part.encode("utf-8", "surrogatepass")) > 255 for part in parts):
        raise Fault("data", "a part of the blob name %r is longer than 255 bytes" % name, "rename the blob")
    return name


def digest(files: List[Dict[str, Any]]) -> str:
    lines = ["%s\0%d\0%s\n" % (entry["path"], entry["size"], entry["sha256"]) for entry in files]
    return hashlib.sha256("".join(sorted(lines)).encode("utf-8")).hexdigest()
