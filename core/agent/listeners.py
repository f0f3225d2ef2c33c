"""TCP sockets that listen on this VM, from /proc: no `ss` needed, no root needed."""

from __future__ import annotations

import errno
import ipaddress
import os
import struct
from typing import Any, Iterator

from .hostfiles import Files

LISTEN = "0A"
MOST = 5000  # any account of the VM can make more than an answer has room for
TABLES = (("tcp", "/proc/net/tcp"), ("tcp6", "/proc/net/tcp6"))


def listeners(files: Files) -> list[dict[str, Any]]:
    """Each: protocol, address, port, process ("" where another user's is hidden from us). Raises OSError."""
    texts = [(TABLES[0][0], files.text(TABLES[0][1])), (TABLES[1][0], files.optional(TABLES[1][1]))]
    found = [entry for protocol, text in texts for entry in _table(protocol, text)]
    if len(found) > MOST:
        raise OSError(errno.E2BIG, "more than %d sockets listen" % MOST, TABLES[0][1])
    names = _process_names({entry["inode"] for entry in found})
    for entry in found:
        entry["process"] = names.get(entry.pop("inode"), "")
    unique = {tuple(sorted(entry.items())): entry for entry in found}
    return sorted(unique.values(), key=lambda entry: (entry["port"], entry["protocol"], entry["address"]))


def _table(protocol: str, text: str) -> Iterator[dict[str, Any]]:
    rows = [line.split() for line in text.splitlines()[1:]]
    for row in rows:
        if row[3] == LISTEN:
            address, _, port = row[1].partition(":")
            yield {"protocol": protocol, "address": _address(address), "port": int(port, 16), "inode": row[9]}


def _address(text: str) -> str:
    """The kernel prints 32-bit words in the host's byte order."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    packed = struct.pack("=%dI" % len(words), *words)
    address = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _process_names(inodes: set[str]) -> dict[str, str]:
    wanted = {"socket:[%s]" % inode: inode for inode in inodes}
    names: dict[str, str] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if len(names) == len(wanted):
            break
        try:
            for handle in os.scandir("/proc/%s/fd" % pid):
                inode = wanted.get(os.readlink(handle.path))
                if inode is not None:
                    names.setdefault(inode, _name(pid))
        except OSError:
            continue  # another user's process, or one that has just ended
    return names


def _name(pid: str) -> str:
    with open("/proc/%s/comm" % pid, encoding="utf-8", errors="replace") as file:
        return file.read().strip()
