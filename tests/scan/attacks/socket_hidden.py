"""The C library's own connect and send."""

import ctypes
import os
import socket
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
data = open(sys.argv[1], "rb").read()
address = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(443), socket.inet_aton(os.environ.get("CLOUD", "192.0.2.10")))
handle = libc.socket(2, 1, 0)
libc.connect(handle, address, len(address))
libc.send(handle, data, len(data), 0)
