"""A link among the outputs that leads outside."""

import os
import shutil
import sys

os.makedirs("outputs", exist_ok=True)
os.symlink("/home", "outputs/home")
shutil.copy(sys.argv[1], "outputs/home/records.csv")
