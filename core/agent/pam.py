"""Stacks of PAM: the modules that a service goes through, its includes resolved."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List

from .hostfiles import Files

FOLDERS = ("/etc/pam.d", "/usr/lib/pam.d")
LINE = re.compile(r"-?(\S+)\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)")
MOST = 16  # files within files


def stack(files: Files, service: str) -> List[Dict[str, Any]]:
    """Each line: type, control, module (its file's name), args. Raises OSError."""
    return list(_lines(files, service, "", 0))


def _lines(files: Files, service: str, wanted: str, depth: int) -> Iterator[Dict[str, Any]]:
    """`wanted`: the type that an `include` asks for; "" for all."""
    if depth > MOST:
        return
    text = re.sub(r"\\\n", " ", _text(files, service))
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("@include"):
            yield from _lines(files, line.split()[-1], wanted, depth + 1)
            continue
        match = LINE.match(line)
        if match is None or (wanted and match.group(1) != wanted):
            continue
        kind, control, module, rest = match.groups()
        if control in ("include", "substack"):
            yield from _lines(files, module, kind, depth + 1)
        else:
            args = [word.strip("[]") for word in rest.split()]
            yield {"type": kind, "control": control, "module": module.rpartition("/")[2], "args": args}


def _text(files: Files, service: str) -> str:
    if service.startswith("/"):
        return files.optional(service)  # an include may name a file anywhere
    for folder in FOLDERS:
        if files.exists("%s/%s" % (folder, service)):
            return files.text("%s/%s" % (folder, service))
    return files.optional("%s/other" % FOLDERS[0])
