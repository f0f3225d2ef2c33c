"""What following the path finds: the words of each link, and what one link leaves for the next."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional

from .blob import Client, Source
from .blob_list import Blob
from .faults import Fault

PATIENCE_S = 20.0  # of each read; a service that needs longer is not usable


class Link(NamedTuple):
    """`cause` is the evidence; `action` what to do next where the link is broken.

    `duration_s`: None where nothing was waited for. `service_code`: the service's own word for a refusal.
    """

    id: str
    status: str
    cause: str
    action: str
    duration_s: Optional[float]
    service_code: str = ""


class Broken(Exception):
    """`ends`: nothing after this link can hold, so nothing after it is tried."""

    def __init__(self, cause: str, action: str, ends: bool = True) -> None:
        super().__init__(cause)
        self.cause = cause
        self.action = action
        self.ends = ends


class Passed(NamedTuple):
    evidence: str
    status: str = "pass"
    action: str = ""


class Path:
    """`here`: the machine that follows it, in words. `folder`: where staged data are kept on it."""

    def __init__(self, source: Source, here: str, folder: str) -> None:
        self.source = source
        self.here = here
        self.folder = folder
        self.client = Client(source, PATIENCE_S)
        self.targets: List[Any] = []  # socket addresses
        self.blobs: List[Blob] = []
        self.listed = False  # `blobs` are all of them
        self.rate = 0.0  # bytes a second; 0: not measured

    def nobody(self) -> Client:
        """A client without the credential."""
        return Client(self.source.nobody(), PATIENCE_S)

    @property
    def bytes(self) -> int:
        return sum(blob.size for blob in self.blobs)


def service_code(fault: Fault) -> str:
    return str(fault.facts.get("service_code", ""))


def size(count: float) -> str:
    """`812 bytes`, `4.1 kB`, `12 GB`."""
    if count < 1000:
        return "%d bytes" % count
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000.0
        if count < 999.5 or unit == "TB":
            break
    return "%.1f %s" % (count, unit) if count < 9.95 else "%.0f %s" % (count, unit)


def duration(seconds: float) -> str:
    """`40 ms`, `1.4 s`, `90 s`, `5 min`, `3 h 20 min`, `2 days`."""
    if seconds < 0.995:
        return "%.0f ms" % (seconds * 1000)
    if seconds < 120:
        return "%.1f s" % seconds if seconds < 9.95 else "%.0f s" % seconds
    if seconds < 3600:
        return "%.0f min" % (seconds / 60)
    if seconds < 2 * 86400:
        return "%d h %02d min" % divmod(round(seconds / 60), 60)
    return "%.0f days" % (seconds / 86400)
