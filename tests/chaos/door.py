"""A door to Docker's socket that is shut for a while: whatever is asked then is answered by status 500."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

CHUNK = 64 * 1024
REFUSED = b'{"message":"this daemon is out of order"}'
ANSWER = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nConnection: close\r\n"
ANSWER += b"Content-Length: %d\r\n\r\n" % len(REFUSED) + REFUSED


class Door:
    """Listens at `path`. `shut`: what comes from now on is refused; what is open already goes on."""

    def __init__(self, path: Path, target: Path) -> None:
        self.path, self._target = path, target
        self.shut = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._refuse if self.shut else self._lead, args=(client,), daemon=True).start()

    def _refuse(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.recv(CHUNK)
            client.sendall(ANSWER)
            client.shutdown(socket.SHUT_WR)
            while client.recv(CHUNK):
                pass

    def _lead(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            server.connect(str(self._target))
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.path.unlink()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
