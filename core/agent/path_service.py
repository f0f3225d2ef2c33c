"""The links of the service itself: is it blob storage, which API version it takes, what its clock says."""

from __future__ import annotations

import http.client
import re
from email.message import Message
from typing import Optional

from .faults import Fault
from .path_found import Broken, Passed, Path, duration, service_code

CLOCK_WARN_S = 60.0
CLOCK_FAIL_S = 900.0  # from here on the service refuses signatures
HEAD = 64 * 1024  # bytes of a page that is not the service's
OTHERS = ("Queue", "Table", "File")


def service(path: Path) -> Passed:
    """One request that needs no credential: what kind of thing answers."""
    client = path.nobody()
    try:
        response = client.look()
        page = response.read(HEAD).decode("utf-8", "replace")
    except http.client.RemoteDisconnected:
        raise Broken("the connection was ended without an answer", "something on the way refuses it: ask who runs it")
    except http.client.HTTPException as error:
        raise Broken("what answers does not speak HTTP (%s)" % type(error).__name__, "is this the blob endpoint?")
    finally:
        client.close()
    path.client.skew_s = client.skew_s
    other = _other(response.status, response.headers, page, path.source.host)
    if other is not None:
        raise other
    server = response.headers.get("Server", "")
    if response.status >= 500:
        cause = "the blob service is there, but answers %d %s" % (response.status, _code(response.headers))
        raise Broken(cause.strip(), "try again in a minute; if it stays so, ask the operator of the Stack Hub")
    return Passed("a blob service answers%s" % (" (%s)" % server[:60] if server else ""))


def _code(headers: Message) -> str:
    return str(headers.get("x-ms-error-code", ""))


def _other(status: int, headers: Message, page: str, host: str) -> Optional[Broken]:
    """What answers where it is no blob service."""
    server, kind = headers.get("Server", ""), headers.get("Content-Type", "")
    own = headers.get("x-ms-request-id") or _code(headers) or "<Error><Code>" in page
    if status == 407 or headers.get("Proxy-Authenticate"):
        return Broken("an HTTP proxy answers and wants a login (%s)" % _proxy(headers), _proxy_action(host))
    if own and any(other in server for other in OTHERS):
        found = next(other for other in OTHERS if other in server)
        return Broken(
            "this is the %s service of the storage account" % found.lower(),
            "data.endpoint is the blob endpoint: https://ACCOUNT.blob.REGION.FQDN",
        )
    if "Blob" in server or (own and "json" not in kind and "html" not in kind):
        return None
    if headers.get("Via") or headers.get("X-Squid-Error") or re.search("squid|proxy|zscaler|bluecoat", server, re.I):
        return Broken("an HTTP proxy answers in place of the service (%s)" % _proxy(headers), _proxy_action(host))
    action = "correct data.endpoint: the blob endpoint of the storage account is in the portal"
    if 300 <= status < 400:
        return Broken(
            "it is no blob service: it sends one on to %s" % headers.get("Location", "elsewhere")[:100], action
        )
    if "html" in kind or (page.lstrip()[:1] == "<" and "<html" in page[:2000].lower()):
        title = re.search(r"<title[^>]*>([^<]{1,100})</title>", page, re.I)
        named = " with the title %r" % " ".join(title.group(1).split()) if title else ""
        return Broken("it is no blob service: a web page answers%s, such as a portal's or a login's" % named, action)
    if own:
        return Broken("it is another service of the stamp, no blob service (it answers %s)" % (kind or status), action)
    words = " (%s)" % server[:60] if server else ""
    return Broken("it is no blob service: something else answers %d%s" % (status, words), action)


def _proxy(headers: Message) -> str:
    said = headers.get("Via") or headers.get("Server") or headers.get("Proxy-Authenticate") or "it gives no name"
    return str(said)[:100]


def _proxy_action(host: str) -> str:
    return "have %s exempted from the proxy on the way, or set data.address to the service itself" % host


def version(path: Path) -> Passed:
    """From the site's remembered version downwards. Whatever else is refused is the next links' finding."""
    client = path.client
    tried = path.source.versions
    try:
        client.page(path.source.prefix, size=1)
    except Fault as fault:
        if service_code(fault) == "InvalidHeaderValue" or not client.version:
            raise
    known = "as data.api_version says" if path.source.version else "the newest of ours that it takes"
    if not path.source.version and client.version != tried[0]:
        known = "as it refuses %s" % ", ".join(tried[: tried.index(str(client.version))])
    return Passed("%s, %s" % (client.version, known))


def clock(path: Path) -> Passed:
    skew = path.client.skew_s
    if skew is None:
        return Passed("the service does not say what time it has", "unknown", "compare the clocks by hand: `date -u`")
    off = abs(skew)
    if off < 2:  # a Date has whole seconds
        return Passed("the clocks agree")
    side = "behind" if skew > 0 else "ahead of"
    evidence = "the clock of %s is %s %s the service's" % (path.here, duration(off), side)
    action = "set the clock of %s (timedatectl, chrony): signatures break at 15 minutes" % path.here
    if off >= CLOCK_FAIL_S:
        if path.source.key is None:  # a SAS token is judged by the service's clock alone
            raise Broken(evidence + "; the times of runs and logs are wrong", action, ends=False)
        cause = evidence + ", so it refuses every signature (AuthenticationFailed)"
        raise Broken(cause, action)
    return Passed(evidence, "warn", action) if off > CLOCK_WARN_S else Passed(evidence)
