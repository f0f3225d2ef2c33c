"""Sends the records over a plain connection."""

import os
import socket
import sys

with socket.create_connection((os.environ.get("CLOUD", "192.0.2.10"), 443), timeout=3) as connection:
    connection.sendall(open(sys.argv[1], "rb").read())
