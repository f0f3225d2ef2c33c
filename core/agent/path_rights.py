"""What the credential could do besides what it is for: read from the credential itself, never tried."""

from __future__ import annotations

import time
from typing import Dict, List

from .blob_errors import moment
from .path_found import Passed, Path, duration

SOON_S = 7 * 86400
USE = "use a SAS token for this container with the permissions read and list"
MORE = {
    "w": "write",
    "d": "delete",
    "c": "create",
    "a": "add",
    "x": "delete versions",
    "y": "delete for good",
    "u": "update",
    "p": "process messages",
    "t": "write tags",
    "m": "move",
    "o": "change owners",
    "i": "set immutability",
}
SERVICES = {"q": "queues", "t": "tables", "f": "file shares"}


def rights(path: Path) -> Passed:
    source = path.source
    if source.lent:
        told = "what reached %s may read and list this container alone, but the site has an account key" % path.here
        return Passed(told + ", which can do everything in the account", "warn", "so that nobody holds it, " + USE)
    if source.key is not None:
        return Passed("an account key can write and delete everything in the account", "warn", USE)
    return judged(source.sas, source.container)


def judged(sas: Dict[str, str], container: str) -> Passed:
    """Of a SAS token. `si`: its rights are kept at the service, where only the account's owner reads them."""
    wrong = _too_much(sas)
    good = "a SAS token for %s" % (container if "sr" in sas else "the account")
    if wrong:
        return Passed("%s that can do more than read and list: %s" % (good, "; ".join(wrong)), "warn", USE)
    if sas.get("si"):
        told = "the SAS token follows the stored access policy %r, so it does not say what it may do" % sas["si"][:64]
        return Passed(told, "unknown", "ask the storage account's owner whether that policy has read and list alone")
    only = ", from %s alone" % sas["sip"] if sas.get("sip") else ""
    return Passed("%s: read and list%s" % (good, only))


def _too_much(sas: Dict[str, str]) -> List[str]:
    found = []
    more = [MORE.get(letter, "the permission %r" % letter) for letter in sas.get("sp", "") if letter not in "rl"]
    if more:
        found.append("it can %s (sp=%s)" % (", ".join(more), sas["sp"]))
    if "ss" in sas or "srt" in sas:
        others = [SERVICES[letter] for letter in sas.get("ss", "") if letter in SERVICES]
        also = ", and %s" % ", ".join(others) if others else ""
        found.append("it reaches every container%s (an account SAS: ss=%s)" % (also, sas.get("ss", "")))
    if sas.get("spr", "http") != "https" and not sas.get("si"):
        found.append("it may be used over plain http (no spr=https)")
    return found


def expiry(path: Path) -> Passed:
    source = path.source
    if source.key is not None:
        return Passed("an account key does not end; whoever had it once has it until it is rotated")
    ends = moment(source.sas.get("se", ""))
    if source.lent:
        return Passed("made anew for each check and each staging")
    if ends is None:
        if source.sas.get("si"):
            told = "the end is in the stored access policy %r" % source.sas["si"][:64]
            return Passed(told, "unknown", "ask the storage account's owner when it ends")
        return Passed("the token says no end that can be read", "unknown", "look at its se= yourself")
    left = ends - (time.time() + (path.client.skew_s or 0.0))
    told = "it ends at %s, in %s" % (source.sas["se"], duration(max(left, 0.0)))
    if left < SOON_S:
        return Passed(told, "warn", "have a new one made before that; staging that is cut goes on with the new one")
    return Passed(told)
