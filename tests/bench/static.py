"""A storage service that does next to nothing: TLS, a listing, blobs of one pattern by range. For measuring clients.

`python -m tests.bench.static FOLDER COUNT SIZE LARGE` serves COUNT blobs of SIZE bytes below `many/` and one of LARGE
bytes, `large.bin`, from processes that share the port, and prints the port. FOLDER has the certificate and its key.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import sys
import threading
from pathlib import Path

PROCESSES = 4  # that share the port
PAGE = 5000
PATTERN = os.urandom(1 << 20)
ETAG = "0x8D0000000000001"
RANGE = re.compile(rb"\r\n(?:x-ms-)?range: ?bytes=(\d+)-(\d+)", re.IGNORECASE)
ENTRY = (
    "<Blob><Name>{name}</Name><Properties><Last-Modified>Thu, 26 Nov 2026 12:00:00 GMT</Last-Modified>"
    "<Etag>" + ETAG + "</Etag><Content-Length>{size}</Content-Length>"
    "<Content-Type>application/octet-stream</Content-Type><BlobType>BlockBlob</BlobType>"
    "<LeaseStatus>unlocked</LeaseStatus></Properties></Blob>"
)
LISTING = (
    '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="c">'
    "<Blobs>{}</Blobs>{}</EnumerationResults>"
)
HEAD = (
    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nContent-Type: application/octet-stream\r\n"
    'Last-Modified: Thu, 26 Nov 2026 12:00:00 GMT\r\nETag: "' + ETAG + '"\r\nServer: static\r\n'
    "x-ms-request-id: 00000000-0000-0000-0000-000000000000\r\nx-ms-version: 2019-07-07\r\n"
    "x-ms-blob-type: BlockBlob\r\nDate: Thu, 26 Nov 2026 12:00:00 GMT\r\n{more}\r\n"
)


class Blobs:
    def __init__(self, count: int, size: int, large: int) -> None:
        self.count, self.size, self.large = count, size, large
        self._pages: dict[bytes, bytes] = {}
        self._small = (HEAD.format(status="200 OK", length=size, more="")).encode() + content(0, size)

    def answer(self, target: bytes, head: bytes) -> list[bytes]:
        if b"comp=list" in target:
            return [self._page(target)]
        if b"/many/" in target:
            return [self._small]
        found = RANGE.search(head)
        first, last = map(int, found.groups()) if found else (0, self.large - 1)
        more = f"Content-Range: bytes {first}-{last}/{self.large}\r\n" if found else ""
        status = "206 Partial Content" if found else "200 OK"
        parts = [HEAD.format(status=status, length=last - first + 1, more=more).encode()]
        for at in range(first, last + 1, len(PATTERN)):
            parts.append(content(at, min(len(PATTERN), last + 1 - at)))
        return parts

    def _page(self, target: bytes) -> bytes:
        if target not in self._pages:
            marker = re.search(rb"[?&]marker=(\d+)", target)
            start = int(marker.group(1)) if marker else 0
            if b"prefix=many" in target:
                entries = [(f"many/{n:06}", self.size) for n in range(start, min(start + PAGE, self.count))]
            else:
                entries = [("large.bin", self.large)]
            more = f"<NextMarker>{start + PAGE}</NextMarker>" if start + PAGE < self.count and len(entries) > 1 else ""
            body = LISTING.format("".join(ENTRY.format(name=n, size=s) for n, s in entries), more or "<NextMarker />")
            self._pages[target] = HEAD.format(status="200 OK", length=len(body), more="").encode() + body.encode()
        return self._pages[target]


def content(first: int, size: int) -> bytes:
    """Of every blob, from `first` on."""
    start = first % len(PATTERN)
    found = PATTERN[start : start + size]
    while len(found) < size:
        found += PATTERN[: size - len(found)]
    return found


def serve(listening: socket.socket, context: ssl.SSLContext, blobs: Blobs) -> None:
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=_talk, args=(connection, context, blobs), daemon=True).start()


def _talk(connection: socket.socket, context: ssl.SSLContext, blobs: Blobs) -> None:
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(connection, server_side=True) as secured:
            held = b""
            while True:
                while b"\r\n\r\n" not in held:
                    got = secured.recv(16384)
                    if not got:
                        return
                    held += got
                head, _, held = held.partition(b"\r\n\r\n")
                for part in blobs.answer(head.split(b" ", 2)[1], head):
                    secured.sendall(part)
    except OSError:
        pass  # the client has gone


def main(folder: Path, count: int, size: int, large: int) -> None:
    """Ends when its standard input does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    blobs = Blobs(count, size, large)
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    children = []
    for _ in range(PROCESSES):
        child = os.fork()
        if not child:
            serve(listening, context, blobs)
        children.append(child)
    print(listening.getsockname()[1], flush=True)
    sys.stdin.read()
    for child in children:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
