"""What is installed in an environment, as pinned requirements.

Foreign code wrote every file there: no link is followed, only small regular files are read, and only names
and versions of the plain alphabet are believed.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from email.parser import HeaderParser

from . import environment_files

LIMIT = 1 << 20  # bytes of METADATA
PLAIN = re.compile(r"[A-Za-z0-9._+!-]+\Z")


def pinned(root: str, environment: str | None) -> str:
    """Lines `name==version` of the built environment, sorted; "" for a run without one. Raises Fault."""
    if not environment:
        return ""
    top = os.path.realpath(environment_files.files(environment_files.folder(root, environment)))
    pattern = os.path.join(glob.escape(top), "lib*", "python*", "site-packages", "*.dist-info")
    folders = [path for path in glob.glob(pattern) if os.path.realpath(path) == path]  # no link on the way
    return "".join(line + "\n" for line in sorted({_line(path) for path in folders} - {""}))


def _line(path: str) -> str:
    headers = HeaderParser().parsestr(_text(os.path.join(path, "METADATA")), headersonly=True)
    name, version = str(headers["Name"] or ""), str(headers["Version"] or "")
    if not PLAIN.match(name) or not PLAIN.match(version):
        return ""
    return "%s==%s" % (re.sub(r"[-_.]+", "-", name).lower(), version)


def _text(path: str) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        found = os.fstat(fd)
        small = stat.S_ISREG(found.st_mode) and found.st_size <= LIMIT
        return os.read(fd, LIMIT).decode(errors="replace") if small else ""
    finally:
        os.close(fd)
