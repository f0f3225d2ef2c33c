"""The XML of a blob listing, read without trusting it."""

from __future__ import annotations

import urllib.parse
from typing import Dict, List, NamedTuple, Tuple
from xml.parsers import expat

from .faults import Fault


class Blob(NamedTuple):
    """`size` in bytes; `etag` as the service writes it."""

    name: str
    size: int
    etag: str


class _Forbidden(Exception):
    pass


class _Reader:
    """Collects `Blob` elements; a document type (and with it every entity) is refused."""

    def __init__(self) -> None:
        self.blobs: List[Blob] = []
        self.marker = ""
        self._path: List[str] = []
        self._text: List[str] = []
        self._fields: Dict[str, str] = {}
        self._encoded = False

    def doctype(self, *_: object) -> None:
        raise _Forbidden

    def start(self, tag: str, attributes: Dict[str, str]) -> None:
        self._path.append(tag)
        self._text = []
        if tag == "Blob":
            self._fields = {}
        if self._path[-2:] == ["Blob", "Name"]:
            self._encoded = attributes.get("Encoded") == "true"

    def text(self, data: str) -> None:
        self._text.append(data)

    def end(self, tag: str) -> None:
        text = "".join(self._text)
        self._text = []
        inside = self._path[2:]
        if inside == ["Blob"]:
            self._add()
        elif inside == ["Blob", "Name"]:
            self._fields["Name"] = urllib.parse.unquote(text) if self._encoded else text
        elif inside[:2] == ["Blob", "Properties"] and len(inside) == 3:
            self._fields[tag] = text
        elif self._path == ["EnumerationResults", "NextMarker"]:
            self.marker = text
        self._path.pop()

    def _add(self) -> None:
        fields = self._fields
        self.blobs.append(Blob(fields["Name"], int(fields["Content-Length"]), fields.get("Etag", "")))


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
