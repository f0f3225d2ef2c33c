"""Leaves the records in the home folder's cache, and in shared memory."""

import os
import sys
from pathlib import Path

cache = Path(os.path.expanduser("~/.cache/torch"))
cache.mkdir(parents=True, exist_ok=True)
(cache / "records.bin").write_bytes(open(sys.argv[1], "rb").read())
with open("/dev/shm/records", "wb") as file:
    file.write(open(sys.argv[1], "rb").read())
