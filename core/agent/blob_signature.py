"""How requests to blob storage are signed with an account key: SharedKey, as version 2015-02-21 and later have it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Dict

# In the order in which SharedKey signs their values ("Authorize with Shared Key", Azure Storage REST reference).
SIGNED_HEADERS = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)


def signature(key: bytes, account: str, verb: str, path: str, query: Dict[str, str], headers: Dict[str, str]) -> str:
    """The SharedKey value of the Authorization header. `path` as sent, percent-encoded."""
    low = {name.lower(): value for name, value in headers.items()}
    lines = [verb] + [low.get(name, "") for name in SIGNED_HEADERS]
    lines += ["%s:%s" % (name, low[name]) for name in sorted(low) if name.startswith("x-ms-")]
    lines.append("/%s%s" % (account, path))
    lines += ["%s:%s" % (name, query[name]) for name in sorted(query)]
    digest = hmac.new(key, "\n".join(lines).encode("utf-8"), hashlib.sha256).digest()
    return "SharedKey %s:%s" % (account, base64.b64encode(digest).decode())
