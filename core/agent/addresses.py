"""The host's own addresses, from /proc: no `ip` needed."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Dict

from .hostfiles import Files


def addresses(files: Files) -> Dict[str, Any]:
    """`local`: each once, IPv4 and IPv6, sorted. Raises OSError."""
    trie = files.text("/proc/net/fib_trie")
    four = re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", trie)
    rows = [line.split()[0] for line in files.optional("/proc/net/if_inet6").splitlines()]
    six = [str(ipaddress.IPv6Address(int(row, 16))) for row in rows]
    return {"local": sorted({*four, *six})}
