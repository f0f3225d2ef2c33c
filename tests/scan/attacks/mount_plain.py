"""Leaves the records on a share that is synchronised."""

import shutil
import sys

shutil.copy(sys.argv[1], "/mnt/onedrive/records.csv")
