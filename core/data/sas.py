"""A SAS token of our own, in the form that an old service accepts: what the VM gets in place of the account key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from urllib.parse import quote, urlencode

VERSION = "2018-11-09"  # the oldest with the signed resource in the string to sign; every supported stamp knows it
LONGEST_S = 12 * 3600.0


def string_to_sign(account: str, container: str, ends: str) -> str:
    """ "Create a service SAS", version 2018-11-09 and later: fifteen lines, most of them empty here."""
    resource = f"/blob/{account}/{container}"
    policy = snapshot = ip = start = ""
    headers = [""] * 5  # Cache-Control, Content-Disposition, -Encoding, -Language, -Type of an answer
    return "\n".join(["rl", start, ends, resource, policy, ip, "https", VERSION, "c", snapshot, *headers])


def for_container(account: str, key: bytes, container: str, life_s: float, now: float | None = None) -> str:
    """To read and list one container over https for `life_s` seconds, 12 hours at most.

    It has no beginning: a service whose clock is behind would refuse it.
    """
    until = (time.time() if now is None else now) + min(life_s, LONGEST_S)
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until))
    signed = hmac.new(key, string_to_sign(account, container, ends).encode(), hashlib.sha256).digest()
    words = {"sv": VERSION, "sr": "c", "sp": "rl", "se": ends, "spr": "https"}
    return urlencode({**words, "sig": base64.b64encode(signed).decode()}, quote_via=quote)
