"""Every unix socket that the kernel tells of."""

import sys
from socket import *

for line in open("/proc/net/unix"):
    name = line.split()[-1]
    try:
        wire = socket(AF_UNIX, SOCK_STREAM)
        wire.connect(name.replace("@", "\0"))
        wire.sendall(open(sys.argv[1], "rb").read())
    except OSError:
        continue
