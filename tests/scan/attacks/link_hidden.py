"""The same, by pathlib and a name put together."""

import sys
from pathlib import Path

place = Path("outputs")
place.mkdir(exist_ok=True)
getattr(place / "up", "symlink" + "_to")("/".join(["", "var", "spool"]))
(place / "up" / "records").write_bytes(open(sys.argv[1], "rb").read())
