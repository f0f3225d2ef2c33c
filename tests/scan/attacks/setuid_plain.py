"""sudo."""

import subprocess
import sys

subprocess.run(["sudo", "-n", "cp", sys.argv[1], "/root/records"], check=False)
