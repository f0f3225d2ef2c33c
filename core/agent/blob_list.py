"""The XML of a blob listing, read without trusting it."""

from __future__ import annotations

import urllib.parse
from typing import Dict, List, NamedTuple, Tuple
from xml.parsers import expat

from .faults import Fault


class Blob(NamedTuple):
    """`size` in bytes; `etag` and `md5` (base64) as the service writes them, "" where it has none."""

    name: str
    size: int
    etag: str
    md5: str = ""


class _Forbidden(Exception):
    pass


LARGEST = 1 << 60  # bytes; the service's own limit is far below
_WANTED = ("Content-Length", "Etag", "Content-MD5")


class _Reader:
    """Collects `Blob` elements; a document type (and with it every entity) is refused.

    EnumerationResults has Blobs, and NextMarker; Blobs has Blob; Blob has Name and Properties. Called some 100,000
    times for a page.
    """

    def __init__(self) -> None:
        self.blobs: List[Blob] = []
        self.marker = ""
        self._path: List[str] = []
        self._text: List[str] = []
        self._fields: Dict[str, str] = {}
        self._encoded = False
        self.text = self._text.append

    def doctype(self, *_: object) -> None:
        raise _Forbidden

    def start(self, tag: str, attributes: Dict[str, str]) -> None:
        self._path.append(tag)
        self._text.clear()
        if tag == "Name":
            self._encoded = attributes.get("Encoded") == "true"
        elif tag == "Blob":
            self._fields = {}

    def end(self, tag: str) -> None:
        path = self._path
        depth = len(path)
        if depth == 5:
            if tag in _WANTED and path[3] == "Properties" and path[2] == "Blob":
                self._fields[tag] = "".join(self._text)
        elif depth == 4:
            if tag == "Name" and path[2] == "Blob":
                text = "".join(self._text)
                self._fields["Name"] = urllib.parse.unquote(text) if self._encoded else text
        elif depth == 3:
            if tag == "Blob":
                self._add(self._fields)
        elif tag == "NextMarker" and path[0] == "EnumerationResults":
            self.marker = "".join(self._text)
        path.pop()
        self._text.clear()

    def _add(self, fields: Dict[str, str]) -> None:
        size = int(fields["Content-Length"])
        if not 0 <= size < LARGEST:
            raise ValueError
        self.blobs.append(Blob(fields["Name"], size, fields.get("Etag", ""), fields.get("Content-MD5", "")))


def parse(body: bytes) -> Tuple[List[Blob], str]:
    """(blobs, next marker or ""). Raises Fault for anything that is not such a listing."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, _Forbidden, KeyError, ValueError):
        raise Fault("data", "the storage service's listing cannot be read", "is the endpoint a blob service?")
    return reader.blobs, reader.marker
