"""The same by os.write."""

import os
import sys

data = open(sys.argv[1], "rb").read()
for number in map(int, os.listdir("/proc/self/fd")):
    try:
        if number > 2:
            os.write(number, data)
    except OSError:
        continue
