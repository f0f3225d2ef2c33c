"""What is installed in an environment, as pinned requirements."""

from __future__ import annotations

import glob
import os
import re
from email.parser import HeaderParser

from . import environments


def pinned(root: str, environment: str | None) -> str:
    """Lines `name==version` of the built environment, sorted; "" for a run without one. Raises Fault."""
    if not environment:
        return ""
    pattern = os.path.join(environments.folder(root, environment), "lib*", "python*", "site-packages", "*.dist-info")
    return "".join(line + "\n" for line in sorted({_line(path) for path in glob.glob(pattern)} - {""}))


def _line(path: str) -> str:
    try:
        with open(os.path.join(path, "METADATA"), encoding="utf-8", errors="replace") as file:
            headers = HeaderParser().parse(file, headersonly=True)
    except OSError:
        return ""
    name, version = headers["Name"], headers["Version"]
    return "%s==%s" % (re.sub(r"[-_.]+", "-", name).lower(), version) if name and version else ""
