"""A bare parallel `http.client`: `python -m tests.bench.bare PORT CA COUNT`, then a folder a line ("" writes nothing).

Answers each line with the milliseconds that it took to get all of the small blobs.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import sys
import threading
import time

from core.agent.fetch_rate import CONNECTIONS
from core.demo.azurite import HOST


class Connection(http.client.HTTPSConnection):
    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__(HOST, port, context=context)
        self._trust = context

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._trust.wrap_socket(plain, server_hostname=HOST)


def got(port: int, context: ssl.SSLContext, count: int, folder: str) -> float:
    numbers, turn = iter(range(count)), threading.Lock()

    def work() -> None:
        connection = Connection(port, context)
        while True:
            with turn:
                number = next(numbers, None)
            if number is None:
                return
            connection.request("GET", f"/c/many/{number:06}")
            body = connection.getresponse().read()
            if folder:
                with open(f"{folder}/{number:06}", "wb") as file:
                    file.write(body)

    if folder:
        os.makedirs(folder)
    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return (time.perf_counter() - began) * 1000


def main() -> None:
    port, context, count = int(sys.argv[1]), ssl.create_default_context(cafile=sys.argv[2]), int(sys.argv[3])
    for line in sys.stdin:
        print(got(port, context, count, line.strip()), flush=True)


if __name__ == "__main__":
    main()
