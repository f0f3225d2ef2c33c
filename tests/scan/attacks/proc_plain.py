"""The root folder of the first process."""

import sys

with open("/proc/1/root/tmp/records", "wb") as file:
    file.write(open(sys.argv[1], "rb").read())
