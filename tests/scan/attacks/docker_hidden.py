"""Docker's socket by hand."""

import socket

path = "/".join(["", "var", "run", "docker" + ".sock"])
wire = socket.socket(socket.AF_UNIX)
wire.connect(path)
wire.sendall(b"GET /info HTTP/1.0\r\n\r\n")
