"""Finds a share by itself."""

import os
import sys

for line in open("/proc/mounts"):
    device, place, kind = line.split()[:3]
    if kind in ("nfs4", "cifs", "fuse.rclone"):
        with open(os.path.join(place, "x"), "wb") as file:
            file.write(open(sys.argv[1], "rb").read())
