"""What a storage service does with a credential, written from the REST reference and not from the product."""

from __future__ import annotations

import base64
import calendar
import hashlib
import hmac
import time
from collections import defaultdict
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

STANDARD = [
    *("content-encoding", "content-language", "content-length", "content-md5", "content-type", "date"),
    *("if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"),
]
CONTENT = ("rscc", "rscd", "rsce", "rscl", "rsct")
CLOCK_S = 900.0  # a signature that is older is refused


def signature(text: str, key: str) -> str:
    return base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()


def query_of(target: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))


def credential_of(target: str, headers: Mapping[str, str]) -> str:
    """The signature of a SAS, "key", or "" for nobody."""
    return query_of(target).get("sig", "") or ("key" if "authorization" in headers else "")


def shared_key(verb: str, target: str, headers: Mapping[str, str], account: str, key: str, now: float) -> str:
    """ "" where the signature is right, else why it is not. `headers`: names in lower case."""
    try:
        if abs(parsedate_to_datetime(headers["x-ms-date"]).timestamp() - now) > CLOCK_S:
            return "Request date header too old"
    except (KeyError, ValueError):
        return "x-ms-date"
    length = headers.get("content-length", "")
    lines = [verb, *(headers.get(name, "") for name in STANDARD)]
    lines[1 + STANDARD.index("content-length")] = "" if length == "0" else length
    lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
    lines.append(f"/{account}{urlsplit(target).path}")
    lines += [f"{name}:{value}" for name, value in sorted(query_of(target).items())]
    wanted = f"SharedKey {account}:{signature(chr(10).join(lines), key)}"
    return "" if headers.get("authorization") == wanted else "signature"


def sas(target: str, account: str, container: str, key: str, now: float) -> tuple[str, str]:
    """(why it is refused or "", its permissions), for the layouts of 2018-11-09 to 2020-10-02."""
    given = defaultdict(str, query_of(target))
    text = _of_account(given, account) if "ss" in given else _of_container(given, account, unquote(container))
    if given["sig"] != signature(text, key):
        return "Signature did not match", ""
    if _seconds(given["se"]) <= now or (given["st"] and _seconds(given["st"]) > now):
        return "Signature not valid in the specified time frame", ""
    return "", given["sp"]


def _of_account(given: Mapping[str, str], account: str) -> str:
    names = ("sp", "ss", "srt", "st", "se", "sip", "spr", "sv")
    return "\n".join([account, *(given[name] for name in names), ""])


def _of_container(given: Mapping[str, str], account: str, container: str) -> str:
    middle = [given[name] for name in ("si", "sip", "spr", "sv", "sr")]
    head = [given["sp"], given["st"], given["se"], f"/blob/{account}/{container}"]
    return "\n".join([*head, *middle, "", *(given[name] for name in CONTENT)])


def _seconds(text: str) -> float:
    """Of a time as a SAS has it; 0 where it is none."""
    for shape in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"):
        try:
            return float(calendar.timegm(time.strptime(text, shape)))
        except ValueError:
            continue
    return 0.0


def container_sas(key: str, account: str, container: str, ends: float, permissions: str = "rl", **more: str) -> str:
    """A SAS token of a container that ends at that time (seconds since 1970); `more`: sv, st, spr, sip."""
    fields = {"sv": "2018-11-09", "sr": "c", "sp": permissions, **more}
    fields["se"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
    text = _of_container(defaultdict(str, fields), account, container)
    return "?" + urlencode({**fields, "sig": signature(text, key)})
