"""IPv6, UDP, port 443."""

import socket
import sys

udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp.sendto(open(sys.argv[1], "rb").read(1200), ("2001:db8::10", 443))
